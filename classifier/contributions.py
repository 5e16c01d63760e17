"""What each concluded session adds to the sums of ratios and indicators (``domain.contributions``).

Read before the transaction that keeps a session's label (``Gathered``), and written in it: which
changes and tasks count with which session is decided there (``store.claims``).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from classifier.change_outcomes import outcomes_of
from classifier.fates import Fate
from classifier.thresholds import Thresholds
from domain.contributions import Contribution, Counts, Facet, Standing, bin_of, squared
from domain.events import Quantity
from domain.labels import Labelled, Link, Target, TargetKind, Tier
from domain.outcomes import ChangeOutcome
from domain.pricing import list_tariff
from domain.record import EPOCH
from domain.tariff import Tariff
from domain.usage import NANOUSD
from domain.weeks import week_of
from store import claims, outcomes
from store.booked import Booked, booked, most_repeated
from store.engine import Connection
from store.membership import ChangeId
from store.report_completeness import incomplete
from store.totals import SessionTotals

_HOUR = timedelta(hours=1)
_DECIDING = frozenset({Tier.A, Tier.B})
_CHANGE, _TASK = "change ", "task "


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A concluded session: its totals, links with the cost booked on them, and its label.

    ``repositories`` are those that its telemetry names.
    """

    totals: SessionTotals
    repositories: frozenset[str]
    links: Sequence[Link]
    costs: Mapping[Target, int | None]
    label: Labelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What is known of some sessions, and of the changes that they are linked to."""

    sessions: Mapping[int, Ended]
    booked: Mapping[int, Sequence[Booked]]
    repeats: Mapping[int, int]
    incomplete: Set[int]
    changes: Mapping[ChangeId, ChangeOutcome]
    loop_repeats: int

    def landed(self, owned: Collection[str]) -> list[ChangeOutcome]:
        """What became of those of these changes that landed."""
        named = (_change_of(ref) for ref in sorted(owned) if ref.startswith(_CHANGE))
        found = (self.changes.get(change) for change in named)
        return [each for each in found if each is not None and each.landed_at is not None]


def gather(
    connection: Connection,
    sessions: Mapping[int, Ended],
    known: Mapping[ChangeId, Fate],
    thresholds: Thresholds,
    now: datetime,
) -> Gathered:
    """Read what these sessions add, as far as it does not hang on others.

    ``known`` is what became by now of all changes that they are linked to.
    """
    changes = {change for each in sessions.values() for change in _changes(each)}
    return Gathered(
        sessions=sessions,
        booked=booked(connection, sessions),
        repeats=most_repeated(connection, sessions),
        incomplete=incomplete(connection, sessions),
        changes=outcomes_of(
            connection,
            {change: known[change] for change in changes & known.keys()},
            thresholds,
            now,
        ),
        loop_repeats=thresholds.loop_repeats,
    )


def keep(connection: Connection, session_pks: Collection[int], gathered: Gathered) -> None:
    """Exchange what these sessions add; those that were not gathered add nothing."""
    claimed = {pk: _claims(each, gathered.changes) for pk, each in gathered.sessions.items()}
    owned = claims.settle(connection, session_pks, claimed)
    made = {pk: contribution(pk, gathered, owned.get(pk, ())) for pk in gathered.sessions}
    outcomes.keep(connection, session_pks, made)


def contribution(pk: int, gathered: Gathered, owned: Collection[str]) -> Contribution:
    """What one session adds; ``owned`` are the changes and tasks that count with it."""
    session = gathered.sessions[pk]
    totals, parts = session.totals, gathered.booked.get(pk, ())
    spent, by_report = totals.cost_nanousd, totals.by_report
    costs = [((p.reported_nanousd if by_report else p.list_nanousd) or 0) for p in parts]
    # A session of no cost belongs to whom most of its tokens do.
    weights = costs if any(costs) else [part.tokens.billable() for part in parts]
    models: dict[str, list[int]] = defaultdict(list)
    for place, part in enumerate(parts):
        models[part.model].append(place)
    main = _most({model: sum(weights[p] for p in of) for model, of in models.items()}) or ""
    landed = gathered.landed(owned)
    # How sure its numbers are holds for each of its parts: what is missing is of no known model.
    doubts = {"incomplete": pk in gathered.incomplete, "lower_bounds": totals.lower_bound}
    extra = _once(session, gathered, pk, parts) | _outcomes(owned, landed)
    by_model = {
        model: _counts(
            [parts[p] for p in of],
            None if spent is None else sum(costs[p] for p in of),
            named=totals.session_id is not None,
            doubts=doubts,
            extra=extra if model == main else {},
        )
        for model, of in models.items()
    }
    return Contribution(
        week=week_of(totals.last_at),
        facets={
            Facet.TOOL: _text(totals.tool),
            Facet.TEAM: _most_of(parts, weights, "team"),
            Facet.REPO: _most_of(parts, weights, "repo") or _named_repo(session),
            Facet.WORK_TYPE: _work_type(session, gathered.changes),
        },
        person=_most_of(parts, weights, "somebody") or None,
        standing=Standing(
            label=session.label.label.value,
            maturity=session.label.maturity.value,
            rule=session.label.rule,
        ),
        counts=_counts(
            parts, spent, named=totals.session_id is not None, doubts=doubts, extra=extra
        ),
        models={_text(model): counts for model, counts in by_model.items()},
        cost_bin=bin_of(spent / NANOUSD) if spent and totals.session_id is not None else None,
        lead_bins=tuple(
            sorted(bin_of(span / _HOUR) for each in landed if (span := each.lead_time) is not None)
        ),
    )


def _counts(
    parts: Sequence[Booked],
    spent: int | None,
    *,
    named: bool,
    doubts: Mapping[str, bool],
    extra: Counts,
) -> dict[str, int]:
    counted: Counter[str] = Counter(extra)
    counted["sessions"] = int(named)
    for name, doubtful in doubts.items():
        counted[name] = int(named and doubtful)
    if spent is not None:
        counted["priced"] = int(named)
        counted["cost_nanousd"] = spent
        counted["cost_squares"] = squared(spent)
    for part in parts:
        tokens = part.tokens
        for name in ("input", "cache_read", "cache_write", "output"):
            counted[name] += getattr(tokens, name) or 0
        if tokens.cache_read is not None:
            prompt = (tokens.input or 0) + tokens.cache_read + (tokens.cache_write or 0)
            counted["prompts_told"] += prompt
        if part.failed_requests is not None:
            counted["requests_tried"] += (part.requests or 0) + part.failed_requests
            counted["failed_requests"] += part.failed_requests
    counted["tokens_told"] = int(named and any(part.tokens.told() for part in parts))
    tried = any(part.failed_requests is not None for part in parts)
    counted["requests_told"] = int(named and tried)
    return {name: amount for name, amount in counted.items() if amount}


def _once(session: Ended, gathered: Gathered, pk: int, parts: Sequence[Booked]) -> dict[str, int]:
    """What a session is counted for once: with the model that most of its spend is booked on."""
    if session.totals.session_id is None:
        return {}
    counts = session.totals.counts
    told = Quantity.TOOL_CALLS.value in counts or Quantity.TOOL_FAILURES.value in counts
    repeats = gathered.repeats.get(pk, 0)
    moved = escalated(parts)
    return {
        "looping": int(repeats >= gathered.loop_repeats),
        "loops_told": int(told or repeats > 0),
        "escalated": int(bool(moved)),
        "escalations_told": int(moved is not None),
    }


def escalated(parts: Sequence[Booked]) -> bool | None:
    """Whether a session moved to a model whose output costs more than that of any before.

    Usage is kept by the hour: None where models of different prices began in the same hour, for
    nobody knows their order, and where one of them has no list price.
    """
    begun: dict[str, int] = {}
    for part in parts:
        if part.tokens.told():
            begun[part.model] = min(part.first_hour, begun.get(part.model, part.first_hour))
    prices: dict[str, int] = {}
    for model, hour in begun.items():
        tariff = list_tariff(model or None, EPOCH + hour * _HOUR)
        if not isinstance(tariff, Tariff) or tariff.base.output is None:
            return None
        prices[model] = tariff.base.output
    if not prices:
        return None
    highest: int | None = None
    rose = False
    for hour in sorted(set(begun.values())):
        of_hour = {prices[model] for model in begun if begun[model] == hour}
        if len(of_hour) > 1 and not rose and (highest is None or max(of_hour) > highest):
            return None
        rose = rose or (highest is not None and max(of_hour) > highest)
        highest = max(*of_hour, highest or 0)
    return rose


def _outcomes(owned: Collection[str], landed: Sequence[ChangeOutcome]) -> dict[str, int]:
    reviewed = [each for each in landed if each.unreviewed is False]
    return {
        "tasks": sum(ref.startswith(_TASK) for ref in owned),
        "changes_landed": len(landed),
        "changes_standing": sum(map(stands, landed)),
        "changes_reviewed": len(reviewed),
        "changes_first_pass": sum(each.review_rounds == 0 for each in reviewed),
    }


def stands(outcome: ChangeOutcome) -> bool:
    """Whether a change landed and is neither reverted nor heavily reworked so far."""
    reworked = outcome.rework is not None and outcome.rework.heavy_at is not None
    return outcome.landed_at is not None and outcome.reverted_at is None and not reworked


def _claims(session: Ended, changes: Mapping[ChangeId, ChangeOutcome]) -> dict[str, int]:
    """The landed changes that the session is linked to, and the tasks that these completed."""
    claimed: dict[str, int] = {}
    for change, booked_nanousd in _changes(session).items():
        outcome = changes.get(change)
        if outcome is None or outcome.landed_at is None:
            continue
        claimed[f"{_CHANGE}{change[0]}#{change[1]}"] = booked_nanousd
        if stands(outcome):
            for task in outcome.tasks:
                undone = task.done_at is None or task.reopened_at is not None
                if not (task.validated and undone):
                    ref = f"{_TASK}{task.key}"
                    claimed[ref] = claimed.get(ref, 0) + booked_nanousd
    return claimed


def _change_of(ref: str) -> ChangeId:
    repo, _, number = ref.removeprefix(_CHANGE).rpartition("#")
    return repo, int(number)


def _changes(session: Ended) -> dict[ChangeId, int]:
    """The changes that the session is tied to by proof or near proof, with what is booked on it."""
    return {
        (link.target.repo, int(link.target.id)): session.costs.get(link.target) or 0
        for link in session.links
        if link.target.kind == TargetKind.CHANGE and link.tier in _DECIDING
    }


def _work_type(session: Ended, changes: Mapping[ChangeId, ChangeOutcome]) -> str:
    weights: Counter[str] = Counter()
    for change, weight in _changes(session).items():
        outcome = changes.get(change)
        if outcome is not None and outcome.kind is not None:
            weights[outcome.kind.work_type.value] += weight
    return _most(weights) or ""


def _named_repo(session: Ended) -> str:
    """The one repository that a session names beside its usage.

    Not that of the work it is linked to: then only what came to nothing would have none.
    """
    return _text(next(iter(session.repositories))) if len(session.repositories) == 1 else ""


def _most_of(parts: Sequence[Booked], weights: Sequence[int], name: str) -> str:
    spent: Counter[str] = Counter()
    for part, weight in zip(parts, weights, strict=True):
        value = getattr(part, name)
        if value:
            spent[value] += weight
    return _text(_most(spent) or "")


def _most(weights: Mapping[str, int]) -> str | None:
    return min(weights, key=lambda value: (-weights[value], value), default=None)


def _text(told: str) -> str:
    # As every table holds it.
    return told.replace("\0", "\ufffd")
