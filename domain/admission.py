"""Which groups of the company's directory may do what: the words of the setting ``oidc_roles``."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

_RANKS = ("viewer", "lead", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What somebody may do: ``role`` is viewer, lead or admin; ``teams`` are those of a lead."""

    role: str
    teams: frozenset[str] = frozenset()


def read_roles(told: str) -> dict[str, Admission]:
    """Groups with their roles, as ``group=role`` or ``group=lead:team``, apart by commas.

    A group that leads several teams is named once for each. Raises ValueError, which says what is
    wrong.
    """
    found: dict[str, Admission] = {}
    for part in filter(None, (each.strip() for each in told.split(","))):
        group, equals, rest = part.rpartition("=")
        role, _, team = (each.strip() for each in rest.partition(":"))
        group = group.strip()
        if not equals or not group or role not in _RANKS or (team and role != "lead"):
            raise ValueError(
                f"{part!r} is not group=viewer, group=lead, group=lead:team or group=admin"
            )
        before = [found[group]] if group in found else []
        one = Admission(role=role, teams=frozenset({team} if team else ()))
        found[group] = united([*before, one])
    if not found:
        raise ValueError("it names no group; write for example engineering=viewer,assay=admin")
    return found


def admitted(groups: Collection[str], roles: Mapping[str, Admission]) -> Admission | None:
    """What a member of these groups may do; None where no group is named."""
    told = [roles[group] for group in groups if group in roles]
    return united(told) if told else None


def united(told: Collection[Admission]) -> Admission:
    """The highest of these roles, and all their teams."""
    role = max((each.role for each in told), key=_RANKS.index)
    return Admission(role=role, teams=frozenset().union(*(each.teams for each in told)))
