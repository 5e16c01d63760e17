"""Labels against the truth: simulated companies told in this process, and what each session gets.

``python -m bench.labels --seeds 20 --weeks 39``. Compared are the sessions that the truth calls
settled. *Pending* and *unknown* say nothing, so they are neither right nor wrong: ``covered`` is
the share of what something is said of, ``right`` the share of that which is right.

``--shapes`` gives the companies the shapes of real teams' histories (``simulation.shapes``): merges
by rebase, forks, stacks, reverts of each of these, other names, late and lost webhooks. It says how
right each of these is; ``--wrong`` lists the sessions behind it.

One threshold is the company's own: everything here costs about a seventieth of what was measured in
life (172,000 tokens a change against 12.8 million), so the floor below which a change's cost is not
worth a look is a seventieth of the default, too. With the default nearly nothing here is worth it.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import event, select

from classifier.facts import label_all
from classifier.rules_diff import kept_sessions
from classifier.thresholds import Thresholds
from domain.labels import Label
from simulation.company import found
from simulation.deliveries import Delivery
from simulation.history import History
from simulation.living import live
from simulation.shapes import shaped
from simulation.truth import truth
from simulation.unsteady import renamed, unsteady
from store import judged, migrating
from store import tables as t
from store.engine import Database
from store.labelled import labelled_sessions
from tests.companies import conclude, tell

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEFAULTS = Thresholds()
COMPANY = Thresholds(costly_cents=7)
_SAYS_NOTHING = frozenset({Label.PENDING, Label.UNKNOWN})
_AT_ONCE = 1_000
_RULES = (
    select(t.sessions.c.session_id, t.labels.c.rule)
    .join(t.labels, t.labels.c.session_pk == t.sessions.c.pk)
    .where(t.labels.c.current.is_(True))
)


@dataclass
class Score:
    """Sessions and their spend (nano-dollars) by what they are and what they are called."""

    sessions: Counter[tuple[str, Label]] = field(default_factory=Counter)
    spend: Counter[tuple[str, Label]] = field(default_factory=Counter)
    endings: Counter[tuple[str, bool | None]] = field(default_factory=Counter)
    shapes: Counter[tuple[str, bool | None]] = field(default_factory=Counter)

    def add(self, true: Mapping[str, Any], label: Label, cost: int) -> None:
        """Count one session."""
        key = (true["label"], label)
        right = None if label in _SAYS_NOTHING else label.value == true["label"]
        self.sessions[key] += 1
        self.spend[key] += cost
        self.endings[true["ending"], right] += cost
        for shape in true.get("shapes") or ("no other shape",):
            self.shapes[shape, right] += 1


def right(of: Counter[tuple[str, Label]]) -> float:
    """The share that is right of what something is said of."""
    said = {key: amount for key, amount in of.items() if key[1] not in _SAYS_NOTHING}
    return sum(amount for key, amount in said.items() if key[0] == key[1]) / sum(said.values())


def covered(of: Counter[tuple[str, Label]]) -> float:
    """The share that something is said of."""
    return 1 - sum(amount for key, amount in of.items() if key[1] in _SAYS_NOTHING) / of.total()


@contextmanager
def told(history: History, thresholds: Thresholds) -> Iterator[Database]:
    """A database that was told everything, and has concluded all of it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Database(f"sqlite:///{Path(folder) / 'company.db'}")) as database,
    ):
        # What is told here is told again tomorrow: nothing waits for the disk.
        event.listen(database.engine, "connect", _forget_the_disk)
        migrating.migrate(database, history.until)
        tell(database, history, arriving=lambda told: arriving(history, told))
        conclude(database, history.until, thresholds)
        yield database


def arriving(history: History, told: Sequence[Delivery]) -> Sequence[Delivery]:
    """What of all deliveries arrives: all, but where a history has other shapes."""
    if not history.renamings:
        return told
    return unsteady(renamed(told, history.renamings), history.company.seed)


def kept(database: Database) -> Iterator[tuple[str | None, Label, int]]:
    """Of each session its id, the label that it was given, and what it cost."""
    with database.reading() as connection:
        for session in judged.sessions(connection):
            yield session.session_id, session.label, session.cost_nanousd or 0


def by_rules(
    database: Database, thresholds: Thresholds, at: datetime
) -> Iterator[tuple[str | None, Label, int]]:
    """The same by other thresholds, without keeping anything."""
    with database.reading() as connection:
        pks = labelled_sessions(connection)
        for start in range(0, len(pks), _AT_ONCE):
            sessions = kept_sessions(connection, pks[start : start + _AT_ONCE])
            labels = label_all(connection, sessions, thresholds, at)
            for session, labelled in zip(sessions, labels, strict=True):
                yield session.totals.session_id, labelled.label, session.totals.cost_nanousd or 0


def count(score: Score, history: History, labels: Iterable[tuple[str | None, Label, int]]) -> None:
    """Compare the labels of a company with its truth."""
    true = {each["session_id"]: each for each in truth(history)["sessions"]}
    for session_id, label, cost in labels:
        if session_id is not None and true[session_id]["settled"]:
            score.add(true[session_id], label, cost)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--weeks", type=int, default=39)
    parser.add_argument("--shapes", action="store_true", help="Take other shapes on.")
    parser.add_argument("--wrong", action="store_true", help="List what is wrong.")
    asked = parser.parse_args()
    console = Console()
    total, default = Score(), Score()
    for seed in range(asked.first, asked.first + asked.seeds):
        history = live(found(seed), UNTIL, asked.weeks)
        if asked.shapes:
            shaped(history)
        own = Score()
        with told(history, COMPANY) as database:
            labels = list(kept(database))
            count(own, history, labels)
            count(total, history, labels)
            if asked.wrong:
                tell_wrong(console, database, history)
            count(default, history, by_rules(database, DEFAULTS, UNTIL))
        console.print(f"company {seed}: {in_words(own)}")
    tell_all(console, total)
    console.print(f"with the default floor of cost: {in_words(default)}")


def in_words(score: Score) -> str:
    """The four shares."""
    return (
        f"by spend right {right(score.spend):.3f} of {covered(score.spend):.3f} covered;"
        f" by sessions right {right(score.sessions):.3f} of {covered(score.sessions):.3f},"
        f" {score.sessions.total()} sessions"
    )


def tell_all(console: Console, score: Score) -> None:
    """Print the confusion of all companies, and how each ending fares."""
    table = Table("share of spend: truth", *(label.value for label in Label), "right")
    for true in sorted({true for true, _ in score.spend}):
        row = {label: score.spend[true, label] for label in Label}
        shares = [f"{amount / score.spend.total():.2%}" for amount in row.values()]
        table.add_row(true, *shares, f"{right(_only(score.spend, true)):.3f}")
    console.print(table)
    endings = Table("ending", "share of spend", "right", "wrong", "nothing said")
    spent: Counter[str] = Counter()
    for (ending, _), amount in score.endings.items():
        spent[ending] += amount
    for ending, amount in spent.most_common():
        parts = [score.endings[ending, each] / amount for each in (True, False, None)]
        share = f"{amount / spent.total():.2%}"
        endings.add_row(ending, share, *(f"{part:.1%}" for part in parts))
    console.print(endings)
    shapes = Table("shape", "sessions", "right", "wrong", "nothing said")
    for shape in sorted({shape for shape, _ in score.shapes}):
        of = [score.shapes[shape, each] for each in (True, False, None)]
        shapes.add_row(shape, str(sum(of)), *(f"{part / sum(of):.1%}" for part in of))
    console.print(shapes)
    console.print(f"all companies: {in_words(score)}")


def tell_wrong(console: Console, database: Database, history: History) -> None:
    """Print each session that is called what it is not, or nothing, with the rule's name."""
    true = {each["session_id"]: each for each in truth(history)["sessions"]}
    with database.reading() as connection:
        rules = {row.session_id: row.rule for row in connection.execute(_RULES)}
        for session in judged.sessions(connection):
            of = true.get(session.session_id or "")
            if of and of["settled"] and session.label.value != of["label"]:
                shapes, changes = ",".join(of["shapes"]), " ".join(of["changes"])
                console.print(
                    f"{of['label']} called {session.label.value} by {rules[session.session_id]}:"
                    f" {of['tool']} {session.session_id} {of['ending']} [{shapes}] {changes}",
                    soft_wrap=True,
                    markup=False,
                )


def _only(of: Counter[tuple[str, Label]], true: str) -> Counter[tuple[str, Label]]:
    return Counter({key: amount for key, amount in of.items() if key[0] == true})


def _forget_the_disk(raw: object, _record: object) -> None:
    raw.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
