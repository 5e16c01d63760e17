"""Requests told by spans inside each other: each token counts once, whichever span came first.

Two instrumentations of one process, a framework's and a library's, both tell of a request, the one
in a span around the other's; nothing in the spans says so but where they stand. What the inner ones
tell is taken out of the outer one, which keeps what it tells beyond that, and is no request of its
own. Beside each other they tell of one where the response has the same id, and as many tokens. A
request without a session belongs to that of the nearest span around it that names one, be it a
request's or an agent's.

What a span counts follows from what is known of its trace, and each new span changes that by the
difference: however spans are ordered, batched or resent, the sums are the same in the end. Only the
span directly around counts, since those between are mostly not ours to keep.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from domain.events import Observation, Origin, Place, Purpose, RequestAnswered
from domain.tariff import prompt_of
from domain.usage import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a request's span counts: of its answer so much, of requests one or none.

    ``prompt`` is the whole prompt that was told, by which the tokens are priced.
    """

    origin: Origin
    at_us: int
    answer: RequestAnswered
    prompt: int
    requests: int


Moved = tuple[Share, int]
"""A share, and 1 where it is to be booked, -1 where it is to be taken back."""


def placed(observations: Iterable[Observation]) -> list[tuple[Place, Observation]]:
    """Those whose spans may be around or inside each other."""
    return [(each.place, each) for each in observations if each.place is not None]


def near(links: Sequence[tuple[Place, bool]], new: Sequence[Observation]) -> list[Place]:
    """Those of all spans of their traces on which it depends what new ones change.

    ``links`` say where each of the known stands, and whether it is a request's. A trace may be as
    long as a day's work, and most of it has nothing to do with what is added.
    """
    known = {place.span: place for place, _ in links}
    requests = {place.span for place, request in links if request}
    places = known | {place.span: place for place, _ in placed(new)}
    inside: dict[int, list[int]] = defaultdict(list)
    same: dict[int, list[int]] = defaultdict(list)
    for place in places.values():
        inside[place.within].append(place.span)
        same[place.response].append(place.span)
    changed: set[int] = set()
    below = [place.span for place, _ in placed(new)]
    while below:
        span = below.pop()
        if span not in changed:
            changed.add(span)
            below += inside[span]
    changed |= {place.within for place, _ in placed(new)} & requests
    changed |= {
        other for span in changed if (told := places[span].response) for other in same[told]
    }
    wanted = changed.union(*(inside[span] for span in changed))
    for span in tuple(wanted):
        while (span := places[span].within) in places and span not in wanted:
            wanted.add(span)
    return [known[span] for span in wanted if span in known]


def moved(known: Sequence[Observation], new: Sequence[Observation]) -> list[Moved]:
    """What new requests, each of which is booked as it is, change beside that.

    ``known`` are the others of their traces, as far as they are ``near``.
    """
    before, after = _by_trace(known), _by_trace(known)
    for place, each in placed(new):
        after[place.trace].setdefault(place.span, each)
    changes: list[Moved] = []
    for trace, spans in after.items():
        was, wholes = _shares(before[trace]), _wholes(spans)
        for span, share in sorted(_shares(spans).items(), key=lambda each: each[0]):
            old = was.get(span) or wholes[span]
            if old != share:
                changes += [(old, -1), (share, 1)]
    return changes


_Spans = Mapping[int, Observation]


def _by_trace(observations: Iterable[Observation]) -> dict[int, dict[int, Observation]]:
    traces: dict[int, dict[int, Observation]] = defaultdict(dict)
    for place, each in placed(observations):
        traces[place.trace][place.span] = each
    return traces


def _wholes(spans: _Spans) -> dict[int, Share]:
    """All that each request tells."""
    return {
        span: Share(
            # As it can be kept: without the ties of its sender.
            origin=structs.replace(each.origin, ties=()),
            at_us=each.at_us,
            answer=each.request,
            prompt=prompt_of(each.request.tokens),
            requests=1,
        )
        for span, each in spans.items()
        if each.request is not None
    }


def _shares(spans: _Spans) -> dict[int, Share]:
    """What each of a trace's requests counts, given all that is known of it."""
    wholes = _wholes(spans)
    around = {place.span: place.within for place, _ in placed(spans.values())}
    inside: dict[int, list[Share]] = defaultdict(list)
    for span, whole in wholes.items():
        inside[around[span]].append(whole)
    left = {
        span: _left(
            replace(whole, origin=_owner(whole.origin, spans, around, span)),
            wholes.get(around[span]),
            inside[span],
        )
        for span, whole in wholes.items()
    }
    return left | _repeats(spans, left)


def _repeats(spans: _Spans, left: Mapping[int, Share]) -> dict[int, Share]:
    """Of one response that several spans tell beside each other all but one, which count nothing.

    The one that counts tells what was cached, if any does, and is of the session that any names.
    """
    told: dict[tuple[str, int, Purpose | None, int], list[int]] = defaultdict(list)
    for place, each in placed(spans.values()):
        share = left.get(place.span)
        if place.response and share is not None and share.requests and _measured(share):
            answer = share.answer
            kind = each.origin.tool, place.response, answer.purpose, answer.tokens.billable()
            told[kind].append(place.span)
    changed: dict[int, Share] = {}
    for same in told.values():
        same.sort(key=lambda span: (_untold(left[span].answer.tokens), span))
        best, *others = (left[span] for span in same)
        sessions = [each.origin.session_id for each in (best, *others)]
        session_id = next((each for each in sessions if each is not None), None)
        origin = structs.replace(best.origin, session_id=session_id)
        changed[same[0]] = replace(best, origin=origin)
        for number, (span, other) in enumerate(zip(same[1:], others, strict=True), 1):
            # A gateway's span may be the only one that tells a cost.
            cost = _beyond(other.answer, [left[each].answer for each in same[:number]]).cost_nanousd
            nothing = structs.replace(_beyond(other.answer, [other.answer]), cost_nanousd=cost)
            changed[span] = replace(other, requests=0, answer=nothing)
    return changed


def _untold(tokens: Tokens) -> int:
    return (tokens.cache_read, tokens.cache_write).count(None)


def _owner(origin: Origin, spans: _Spans, around: Mapping[int, int], span: int) -> Origin:
    """Whose a request is: without a session of its own, that of the nearest around it with one."""
    passed, outer = {span}, around[span]
    while origin.session_id is None and outer in spans and outer not in passed:
        other = spans[outer].origin
        if other.session_id is not None and other.tool == origin.tool:
            return structs.replace(origin, session_id=other.session_id)
        passed.add(outer)
        outer = around[outer]
    return origin


def _left(whole: Share, outer: Share | None, inner: Sequence[Share]) -> Share:
    """What of a request neither those inside it tell nor, where it tells nothing, the one around.

    Requests for another purpose, such as embeddings, are others.
    """
    repeating = [each for each in inner if _alike(whole, each)]
    if not _measured(whole):
        told_around = outer is not None and _alike(whole, outer) and _measured(outer)
        return replace(whole, requests=0) if repeating or told_around else whole
    repeating = [each for each in repeating if _measured(each)]
    if not repeating:
        return whole
    answers = [each.answer for each in repeating]
    return replace(whole, requests=0, answer=_beyond(whole.answer, answers))


def _alike(one: Share, other: Share) -> bool:
    return one.answer.purpose == other.answer.purpose


def _measured(share: Share) -> bool:
    return share.answer.tokens.billable() > 0


def _beyond(answer: RequestAnswered, inner: Sequence[RequestAnswered]) -> RequestAnswered:
    """What an answer tells beyond these.

    Prompts are compared as wholes: not every instrumentation tells how much of one was cached.
    """
    own = answer.tokens
    prompt = max(0, prompt_of(own) - sum(prompt_of(each.tokens) for each in inner))
    output = max(0, (own.output or 0) - sum(each.tokens.output or 0 for each in inner))
    left: dict[str, int | None] = {}
    for bucket in ("input", "cache_write", "cache_read"):
        told = getattr(own, bucket)
        left[bucket] = None if told is None else min(told, prompt)
        prompt -= left[bucket] or 0
    cost = sum(each.cost_nanousd or 0 for each in inner)
    return structs.replace(
        answer,
        tokens=Tokens(
            **left,
            output=None if own.output is None else output,
            reasoning=None if own.reasoning is None else min(own.reasoning, output),
        ),
        cost_nanousd=None if answer.cost_nanousd is None else max(0, answer.cost_nanousd - cost),
    )
