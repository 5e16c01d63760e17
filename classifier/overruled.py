"""A person's word on what a session bought, with what the rules say beside it."""

from dataclasses import replace

from domain.labels import Labelled, Maturity
from domain.overrules import OVERRULED, Overrule


def overruled(by_rules: Labelled, said: Overrule) -> Labelled:
    """The label as the person has it: final, and no time changes it."""
    beside: dict[str, object] = {
        "label": by_rules.label.value,
        "maturity": by_rules.maturity.value,
        "rule": by_rules.rule,
        "reason": by_rules.reason,
        "facts": by_rules.facts,
    }
    return replace(
        by_rules,
        label=said.label,
        maturity=Maturity.FINAL,
        rule=OVERRULED,
        reason=f"A person has said so: {said.reason}",
        facts={"said_by": said.said_by, "said_at": said.said_at.isoformat(), "rules": beside},
        due_at=None,
        beside=by_rules,
    )
