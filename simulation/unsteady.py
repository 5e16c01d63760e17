"""What happens to webhooks on their way: late ones, doubled ones, lost ones; and other names."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from simulation.deliveries import Delivery
from simulation.history import Renaming
from simulation.otlp import iso

# GitHub sends nothing again by itself, and in no promised order. The shares are ours.
_LATE, _TWICE, _LOST = 0.03, 0.02, 0.003
_LATEST_HOURS = 48


def unsteady(
    told: Sequence[Delivery], seed: int, *, lost: float = _LOST, late: float = _LATE
) -> list[Delivery]:
    """The same deliveries as they arrive: ``at`` is when, the bodies are as they were."""
    chance = random.Random(f"network {seed}")
    arriving: list[Delivery] = []
    for each in told:
        if chance.random() < lost:
            continue
        hours = chance.uniform(0, _LATEST_HOURS) if chance.random() < late else 0.0
        one = replace(each, at=each.at + timedelta(hours=hours))
        arriving += [one, one] if chance.random() < _TWICE else [one]
    return sorted(arriving, key=lambda each: each.at)


def renamed(told: Sequence[Delivery], renamings: Sequence[Renaming]) -> list[Delivery]:
    """The same deliveries under the names of their time, with those that tell of new names."""
    names = {each.repository: each for each in renamings if each.name}
    branches = {each.repository: each for each in renamings if each.branch}
    for each in told:
        if each.provider != "github":
            continue
        of: str = each.body["repository"]["full_name"]
        if of in branches and each.at >= branches[of].at:
            _branch(each.body, str(branches[of].branch))
        if of in names and each.at >= names[of].at:
            _name(each.body, of, str(names[of].name))
    announced = [_announced(each) for each in renamings]
    return sorted([*told, *announced], key=lambda each: each.at)


def _name(body: dict[str, Any], old: str, new: str) -> None:
    body["repository"]["full_name"] = new
    head = body.get("pull_request", {}).get("head", {}).get("repo")
    if head and head["full_name"] == old:
        head["full_name"] = new


def _branch(body: dict[str, Any], branch: str) -> None:
    """A renamed branch takes open changes along; what was merged into it keeps its name."""
    body["repository"]["default_branch"] = branch
    if body.get("ref") == "refs/heads/main":
        body["ref"] = f"refs/heads/{branch}"
    base = body.get("pull_request", {}).get("base")
    if base and base["ref"] == "main":
        base["ref"] = branch


def _announced(renaming: Renaming) -> Delivery:
    """GitHub's event ``repository``."""
    default = renaming.branch or "main"
    repository = {
        "full_name": renaming.name or renaming.repository,
        "default_branch": default,
        "updated_at": iso(renaming.at),
    }
    was = {"name": {"from": renaming.repository.partition("/")[2]}}
    changes = {"repository": was} if renaming.name else {"default_branch": {"from": "main"}}
    body = {
        "action": "renamed" if renaming.name else "edited",
        "changes": changes,
        "repository": repository,
    }
    return Delivery(provider="github", event="repository", at=renaming.at, body=body)
