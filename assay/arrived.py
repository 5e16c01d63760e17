"""What arrived of one tool between two looks at the answers, and what of it is missing. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.connecting import Check, Connection

Counts = Mapping[str, int | None]

BUCKETS = {
    "input": "input",
    "cache_read": "read from cache",
    "cache_write": "written to cache",
    "output": "output",
}
_SIGNALS = (Check.LOGS, Check.METRICS, Check.TRACES)
_WHO = {Check.USER: "user", Check.TEAM: "team", Check.REPOSITORY: "repo"}
_PUZZLING = frozenset({"unknown", "malformed"})
_UNRECOGNISED = "unknown"
# How pseudonyms of machines begin: what a tool tells when it does not name the person.
_MACHINE = "i_"
# What stands in an answer for somebody whom the token may not see.
_HIDDEN = "hidden"
_SHOWN = 5
_NOT_TOLD = "not told"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record, as coverage counts them."""

    tool: str
    signal: str
    name: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The answers at one moment: everybody's records, and the tool's usage and newest sessions.

    ``nameless`` is usage without a session: under None all of it, under ``user``, ``team`` and
    ``repo`` what of it does not tell that either.
    """

    records: Mapping[Kind, int]
    models: Mapping[str | None, Counts]
    nameless: Mapping[str | None, Counts]
    sessions: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What is new. ``sessions`` holds rows of the API; ``unnamed`` commits counted, not named."""

    ours: Mapping[Kind, int]
    others: Mapping[Kind, int]
    models: Mapping[str | None, Counts]
    nameless: Mapping[str | None, Counts]
    sessions: Mapping[str, Mapping[str, Any]]
    named_commits: int = 0
    unnamed_commits: int = 0
    missing: tuple[Check, ...] = ()

    @property
    def understood(self) -> int:
        """How many of the tool's records mean something here."""
        return sum(n for kind, n in self.ours.items() if kind.outcome == "understood")


def arrived(before: Look, after: Look, is_ours: Callable[[str], bool]) -> Arrived:
    """What came between two looks; ``is_ours`` knows the tool by its name."""
    new = {
        kind: count - before.records.get(kind, 0)
        for kind, count in after.records.items()
        if kind.signal in _SIGNALS and count > before.records.get(kind, 0)
    }
    return Arrived(
        ours={kind: count for kind, count in new.items() if is_ours(kind.tool)},
        others={kind: count for kind, count in new.items() if not is_ours(kind.tool)},
        models=_grown(before.models, after.models),
        nameless=_grown(before.nameless, after.nameless),
        sessions={
            session_id: row
            for session_id, row in after.sessions.items()
            if row != before.sessions.get(session_id)
        },
    )


def missing(connection: Connection, seen: Arrived) -> list[Check]:
    """What a tool that is set up well would have told, and did not."""
    told: dict[Check, bool] = {
        **{signal: any(kind.signal == signal for kind in seen.ours) for signal in _SIGNALS},
        Check.REQUESTS: _sum(seen.models, "requests") is not None,
        Check.TOKENS: any(_sum(seen.models, bucket) for bucket in BUCKETS),
        Check.SESSION: bool(seen.sessions) and not seen.nameless,
        Check.COMMITS: not seen.unnamed_commits,
        **{check: _told(seen, name) for check, name in _WHO.items()},
    }
    return [check for check in (*connection.tells, *_WHO) if not told[check]]


def usable(connection: Connection, seen: Arrived) -> bool:
    """Whether something came that can be accounted: usage, where the tool tells any."""
    tells_usage = {Check.REQUESTS, Check.TOKENS}.intersection(connection.tells)
    return bool(seen.understood and (seen.models or not tells_usage))


def report(connection: Connection, seen: Arrived) -> str:
    """What arrived and what is missing, for people."""
    signals: Counter[str] = Counter()
    for kind, count in seen.ours.items():
        signals[kind.signal] += count
    tokens = {word: _sum(seen.models, bucket) for bucket, word in BUCKETS.items()}
    told = [f"{count:,} {word}" for word, count in tokens.items() if count is not None]
    rows = {
        "records": ", ".join(f"{signals[signal]:,} {signal}" for signal in sorted(signals)),
        "sessions": f"{len(seen.sessions):,}",
        "requests": _number(_sum(seen.models, "requests")),
        "tokens": ", ".join(told) or _NOT_TOLD,
        "models": _listed(seen.models),
        "users": _who(seen, "user"),
        "teams": _who(seen, "team"),
        "repositories": _who(seen, "repo"),
        "commits": f"{seen.named_commits:,} by their SHA",
    }
    lines = [f"{connection.title}: telemetry arrived.", ""]
    lines += [f"  {name:<13} {text}" for name, text in rows.items()]
    lacking = [f"- {_lack(check, seen)}. {connection.reason(check)}" for check in seen.missing]
    puzzling = sorted({kind.name for kind in seen.ours if kind.outcome in _PUZZLING})
    if puzzling:
        lacking.append(f"- understanding of these records: {_listed(puzzling)}.")
    lines += ["", "Missing:", *lacking] if lacking else ["", "Nothing is missing."]
    return "\n".join(lines)


def silence(connection: Connection, seen: Arrived, seconds: float) -> str:
    """Why nothing of use arrived in this time, as far as it can be told from here."""
    usage = Check.REQUESTS if Check.REQUESTS in connection.tells else Check.TOKENS
    if seen.understood:
        return (
            f"{connection.title}: {seen.understood:,} records arrived within {seconds:g} s, but"
            f" they tell no new {usage}. {connection.reason(usage)}"
        )
    if seen.ours:
        names = _listed(kind.name for kind in seen.ours)
        return (
            f"{connection.title}: records arrived within {seconds:g} s, but none that tells any"
            f" {usage}: {names}. {connection.reason(usage)}"
        )
    told = (
        f"Nothing of {connection.title} arrived within {seconds:g} s. Is it set up where it runs"
        " (assay connect prints how), was it started anew since, and does its machine reach the"
        " endpoint? A wrong key is refused with status 401."
    )
    strange = {kind.name for kind in seen.others if kind.tool == _UNRECOGNISED}
    if strange:
        return f"{told}\nRecords arrived that no tool is recognised by: {_listed(strange)}."
    others = {kind.tool for kind in seen.others}
    return f"{told}\nMeanwhile others sent: {_listed(others)}." if others else told


def _lack(check: Check, seen: Arrived) -> str:
    if check is Check.COMMITS:
        return f"the SHA of {seen.unnamed_commits:,} of the counted commits"
    if check is Check.SESSION and seen.sessions:
        return "the session id on a part of the usage"
    return {Check.SESSION: "session id", Check.USER: "the person"}.get(check, check.value)


def _who(seen: Arrived, name: str) -> str:
    told = {row[name] for row in _used(seen)} - {None}
    people = {each for each in told if not _is_machine(name, each)}
    if people == {_HIDDEN}:
        return "told, but only a token with the role admin shows whom"
    if people:
        return _listed(people)
    if told:
        return "only machines"
    return "told" if seen.nameless and name not in seen.nameless else _NOT_TOLD


def _told(seen: Arrived, name: str) -> bool:
    values = [row[name] for row in _used(seen)]
    named = all(value is not None and not _is_machine(name, value) for value in values)
    return named and name not in seen.nameless


def _used(seen: Arrived) -> list[Mapping[str, Any]]:
    """Sessions with usage: who it is booked to says who sent them."""
    return [
        row
        for row in seen.sessions.values()
        if row["requests"] is not None or any(row["tokens"].values())
    ]


def _is_machine(name: str, value: str) -> bool:
    return name == "user" and value.startswith(_MACHINE)


def _grown(
    before: Mapping[str | None, Counts], after: Mapping[str | None, Counts]
) -> dict[str | None, Counts]:
    """Counts that grew, by how much; None stays what no record told."""
    grown: dict[str | None, Counts] = {}
    for key, counts in after.items():
        old = before.get(key, {})
        new = {name: n if n is None else n - (old.get(name) or 0) for name, n in counts.items()}
        if any(new.values()):
            grown[key] = new
    return grown


def _sum(counts: Mapping[str | None, Counts], name: str) -> int | None:
    told = [value for each in counts.values() if (value := each[name]) is not None]
    return sum(told) if told else None


def _number(count: int | None) -> str:
    return _NOT_TOLD if count is None else f"{count:,}"


def _listed(values: Iterable[str | None]) -> str:
    told = sorted({value for value in values if value is not None})
    if not told:
        return _NOT_TOLD
    more = f" and {len(told) - _SHOWN:,} more" if len(told) > _SHOWN else ""
    return ", ".join(told[:_SHOWN]) + more
