"""What spans of model requests told, kept by trace: others around or inside them may tell the same.

A row is a request as it was read, without the ties of its sender, or an agent around some, which
names their session. It goes once no record of its
hour is booked any more (``retention``).
"""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, Subquery, and_, func, select

from domain.events import Context, Observation, Origin, Place, Purpose, RequestAnswered, Source
from domain.usage import Tokens
from store import tables as t
from store.given import asking
from store.upsert import merge_into

# Of one number space with all advisory locks; so many that folders seldom wait for each other, and
# so few that a batch of many traces does not use up what PostgreSQL has.
_FIRST_LOCK, _LOCKS = 0x7265_7175_6573_7400, 64
_HOUR_US = 3_600_000_000
_CONTEXT = Context.__struct_fields__
_BUCKETS = ("input", "cache_read", "cache_write", "output", "reasoning")

Link = tuple[Place, bool]
"""Where a span stands, and whether it is a request's."""


def links(connection: Connection, traces: Collection[int]) -> list[Link]:
    """All spans that are known of these traces.

    Until this transaction ends no other folder adds to them.
    """
    if connection.dialect.name == "postgresql":
        for lock in sorted({trace % _LOCKS for trace in traces}):
            connection.execute(select(func.pg_advisory_xact_lock(_FIRST_LOCK + lock)))
    rows = _links(connection, [(trace,) for trace in sorted(traces)])
    return [(Place(*place), request) for *place, request in rows]


@asking({"trace": BigInteger()})
def _links(wanted: Subquery) -> Select[Any]:
    c = t.request_spans.c
    places = select(c.trace, c.span, c.within, c.response, c.request)
    return places.select_from(wanted.join(t.request_spans, c.trace == wanted.c.trace))


def told(connection: Connection, spans: Collection[Place]) -> list[Observation]:
    """What these spans told."""
    keys = sorted((each.trace, each.span) for each in spans)
    return [_request(row) for row in _told(connection, keys)]


@asking({"trace": BigInteger(), "span": BigInteger()})
def _told(wanted: Subquery) -> Select[Any]:
    c = t.request_spans.c
    same = and_(c.trace == wanted.c.trace, c.span == wanted.c.span)
    return select(t.request_spans).select_from(wanted.join(t.request_spans, same))


def _request(row: Any) -> Observation:
    told = row._mapping
    return Observation(
        origin=Origin(
            row.tool,
            row.session_id,
            row.installation,
            Source.SPAN,
            row.rank,
            Context(**{name: told[name] for name in _CONTEXT}),
        ),
        key=b"",
        at_us=row.at_us,
        stated=(_answer(row),) if row.request else (),
        place=Place(row.trace, row.span, row.within, row.response),
    )


def _answer(row: Any) -> RequestAnswered:
    told = row._mapping
    return RequestAnswered(
        model=row.model,
        tokens=Tokens(**{name: told[name] for name in _BUCKETS}),
        purpose=Purpose(row.purpose) if row.purpose else None,
        cost_nanousd=row.reported_nanousd,
    )


def keep(connection: Connection, requests: Iterable[Observation]) -> None:
    """Remember these; what is known of a span already stays as it is."""
    rows = [_row(each, each.place) for each in requests if each.place is not None]
    rows.sort(key=lambda row: (row["trace"], row["span"]))
    merge_into(connection, t.request_spans, rows, {})


def _row(each: Observation, place: Place) -> dict[str, Any]:
    origin, answer = each.origin, each.request
    told = answer or RequestAnswered(model=None, tokens=Tokens())
    return {
        "trace": place.trace,
        "span": place.span,
        "within": place.within,
        "response": place.response,
        "hour": each.at_us // _HOUR_US,
        "at_us": each.at_us,
        "tool": origin.tool,
        "session_id": origin.session_id,
        "installation": origin.installation,
        "rank": origin.rank,
        "request": answer is not None,
        **{name: getattr(origin.context, name) for name in _CONTEXT},
        "model": told.model,
        "purpose": told.purpose.value if told.purpose else None,
        **{name: getattr(told.tokens, name) for name in _BUCKETS},
        "reported_nanousd": told.cost_nanousd,
    }
