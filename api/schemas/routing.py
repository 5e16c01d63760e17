"""Which tool and model to use for which work, and when to look at that again."""

from datetime import datetime

from pydantic import Field

from api.schemas.shape import MODEL, TOOL, Shape
from api.schemas.verdicts import Dollars, Interval, dollars, interval
from domain.routing import (
    Cause,
    Condition,
    Escalate,
    Evidence,
    Outcome,
    Policy,
    Route,
    Rule,
    Trigger,
)

_NANO = 1e9
_TOO_LITTLE = "null: too little evidence to say."


class RouteRow(Shape):
    """A tool with one of its models."""

    tool: str = Field(description=TOOL)
    model: str | None = Field(description=MODEL)


class MatchRow(Shape):
    """Which work a rule is for."""

    work_type: str = Field(description="`bug`, `feature`, `docs`, `test`, `refactor`, …")
    size: str | None = Field(
        description="`small`, `medium` or `large` by changed lines; null: of any size."
    )


class EscalateRow(Shape):
    """When work is too much for the route."""

    condition: Condition = Field(
        description="`changed_lines`, `files_touched`, `hot_files`, `review_rounds` or"
        " `failed_attempts`."
    )
    at_least: float = Field(description="Escalate from so many on.")
    repositories: list[str] = Field(
        description="Repositories where review rounds are usually that many; else empty."
    )
    why: str = Field(description="The reason, as a sentence.")


class EvidenceRow(Shape):
    """What is known of one route at this kind of work."""

    route: RouteRow = Field(description="The tool and model.")
    pieces: float = Field(description="Equal pieces of work that were done with it.")
    people: int = Field(description="People who did them.")
    enough: bool = Field(description="Whether that is enough to say anything.")
    share: float | None = Field(
        description=f"Expected productive share of spend, from 0 to 1; {_TOO_LITTLE}"
    )
    interval: Interval | None = Field(description=f"How sure the share is; {_TOO_LITTLE}")
    clears: float | None = Field(
        description=f"Probability that the share reaches the bar; {_TOO_LITTLE}"
    )
    cost_usd: float | None = Field(
        description=f"Cost of a surviving change, in US dollars; {_TOO_LITTLE}"
    )
    cost_interval: Dollars | None = Field(description=f"How sure the cost is; {_TOO_LITTLE}")


class RuleRow(Shape):
    """What to do with one kind of work."""

    match: MatchRow = Field(description="Which work; the first rule that matches counts.")
    outcome: Outcome = Field(
        description="`use`, `none_clears` (no route reaches the bar) or `cannot_say`."
    )
    use: RouteRow | None = Field(description="The route to use; null unless the outcome is `use`.")
    best: RouteRow | None = Field(
        description="Where none clears, the route nearest to the bar; else null."
    )
    escalate_to: RouteRow | None = Field(
        description="The route to escalate to; null: a person takes over."
    )
    escalate: list[EscalateRow] = Field(description="When to escalate: any of these.")
    reason: str = Field(description="Why, as a sentence.")
    cheapest: float | None = Field(
        description="Probability that the route is cheaper than the next that clears; null: there"
        " is none, or costs are not known."
    )
    evidence: list[EvidenceRow] = Field(description="Every route that did such work, by name.")
    since_at: datetime = Field(description="When the rule came to be as it is, UTC.")


class TriggerRow(Shape):
    """One cause to evaluate again."""

    cause: Cause = Field(description="`new_model`, `price_change`, `mix_shift` or `quarter_over`.")
    due: bool | None = Field(description="Whether it has come; null: too little to say.")
    detail: str = Field(description="What is known, as a sentence.")
    names: list[str] = Field(description="What changed, for example tools and models; or none.")


class RoutingPolicy(Shape):
    """The routing policy: rules for machines and people."""

    schema_version: int = Field(description="Version of the form of this document.")
    as_of: datetime | None = Field(
        description="When it was made, UTC; null: none had been made by then."
    )
    valid_from_at: datetime | None = Field(
        description="When its rules last changed, UTC; null: there is none."
    )
    reviewed_at: datetime | None = Field(
        description="The later of that and the last evaluation drawn, UTC: triggers look at what"
        " happened since."
    )
    bar: float | None = Field(description="Productive share that a route must reach, 0 to 1.")
    sure: float | None = Field(description="Probability with which it must, 0 to 1.")
    evidence_from_at: datetime | None = Field(
        description="Start of the first session that it rests on, UTC; null: there is none."
    )
    evidence_to_at: datetime | None = Field(
        description="End of the last session that it rests on, UTC; null: there is none."
    )
    rules: list[RuleRow] = Field(description="In order: the first that matches counts.")
    evaluate_again: list[TriggerRow] = Field(description="When to evaluate again, and its state.")


def routing_policy(policy: Policy | None) -> RoutingPolicy:
    """A policy as it is answered; None where there is none yet."""
    return RoutingPolicy(
        schema_version=policy.schema_version if policy else 1,
        as_of=policy.as_of if policy else None,
        valid_from_at=policy.valid_from if policy else None,
        reviewed_at=policy.reviewed_at if policy else None,
        bar=policy.bar if policy else None,
        sure=policy.sure if policy else None,
        evidence_from_at=policy.evidence_from if policy else None,
        evidence_to_at=policy.evidence_to if policy else None,
        rules=[_rule(rule) for rule in policy.rules] if policy else [],
        evaluate_again=[_trigger(each) for each in policy.triggers] if policy else [],
    )


def _rule(rule: Rule) -> RuleRow:
    return RuleRow(
        match=MatchRow(work_type=rule.match.work_type, size=rule.match.size),
        outcome=rule.outcome,
        use=_route(rule.use),
        best=_route(rule.best),
        escalate_to=_route(rule.escalate_to),
        escalate=[_escalate(each) for each in rule.escalate],
        reason=rule.reason,
        cheapest=rule.cheapest,
        evidence=[_evidence(each) for each in rule.evidence],
        since_at=rule.since,
    )


def _route(route: Route | None) -> RouteRow | None:
    return RouteRow(tool=route.tool, model=route.model) if route else None


def _escalate(told: Escalate) -> EscalateRow:
    return EscalateRow(
        condition=told.condition,
        at_least=told.at_least,
        repositories=list(told.repositories),
        why=told.why,
    )


def _evidence(told: Evidence) -> EvidenceRow:
    cost = told.cost_nanousd
    return EvidenceRow(
        route=RouteRow(tool=told.route.tool, model=told.route.model),
        pieces=told.pieces,
        people=told.people,
        enough=told.enough,
        share=told.share,
        interval=interval(told.interval) if told.interval else None,
        clears=told.clears,
        cost_usd=None if cost is None else cost / _NANO,
        cost_interval=dollars(told.cost_interval_nanousd) if told.cost_interval_nanousd else None,
    )


def _trigger(told: Trigger) -> TriggerRow:
    return TriggerRow(cause=told.cause, due=told.due, detail=told.detail, names=list(told.names))
