"""The words of oidc_roles: what they mean, and what they can't mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.admission import Admission, admitted, read_roles, united

ADMISSIONS = st.builds(
    Admission,
    role=st.sampled_from(["viewer", "lead", "admin"]),
    teams=st.frozensets(st.sampled_from(["a", "b", "c"])),
)


def test_groups_with_roles_and_teams() -> None:
    told = read_roles(" all staff = viewer, x=lead:pay , x=lead:web,y=lead,dc=acme=admin,")
    assert told == {
        "all staff": Admission(role="viewer"),
        "x": Admission(role="lead", teams=frozenset({"pay", "web"})),
        "y": Admission(role="lead"),
        "dc=acme": Admission(role="admin"),
    }


@pytest.mark.parametrize(
    "told", ["", " , ", "x", "x=", "=viewer", "x=root", "x=ingest", "x=viewer:team", "x=admin:t"]
)
def test_what_says_nothing_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match=r"is not group=viewer|names no group"):
        read_roles(told)


@given(st.lists(ADMISSIONS, min_size=1), ADMISSIONS)
def test_one_more_group_never_takes_anything_away(told: list[Admission], more: Admission) -> None:
    order = ["viewer", "lead", "admin"]
    before, after = united(told), united([*told, more])
    assert order.index(after.role) >= order.index(before.role)
    assert after.teams >= before.teams


@given(st.dictionaries(st.sampled_from("abc"), ADMISSIONS), st.lists(st.sampled_from("abcd")))
def test_who_is_in_no_named_group_is_not_admitted(
    roles: dict[str, Admission], groups: list[str]
) -> None:
    assert (admitted(groups, roles) is None) == roles.keys().isdisjoint(groups)
