"""What a page is narrowed to stays in the address, from page to page."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.pages.filters import PageParameters, narrowed
from api.problems import Refusal
from domain.contributions import Facet
from domain.weeks import BLOCK, QUARTER, week_of

START = datetime(2025, 1, 1, tzinfo=UTC)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
HOURS = st.integers(0, 5 * 366 * 24).map(lambda hours: START + timedelta(hours=hours))


@given(st.sampled_from(Facet), VALUES, st.integers(1, 520))
def test_an_address_says_the_same_again(facet: Facet, value: str, weeks: int) -> None:
    asked = PageParameters.model_validate({"only": f"{facet}:{value}", "weeks": weeks})
    told = parse_qs(asked.query().removeprefix("?"), keep_blank_values=True)
    again = PageParameters.model_validate({name: each[0] for name, each in told.items()})
    assert again.one() == asked.one() == (facet, value)
    assert again.weeks == weeks


def test_nothing_asked_for_is_a_plain_address() -> None:
    assert PageParameters().query() == ""
    assert PageParameters.model_validate({"only": "", "weeks": 13}).query() == ""


def test_narrowing_takes_the_place_of_what_was_narrowed_to() -> None:
    asked = PageParameters(team="payments", weeks=4)
    assert narrowed("/", asked, Facet.TOOL, "codex") == "/?tool=codex&weeks=4"
    assert asked.kept() == "?weeks=4&team=payments"


def test_of_several_at_once_none_is_told() -> None:
    with pytest.raises(Refusal) as refused:
        PageParameters(team="payments", tool="codex").one()
    assert refused.value.problem.code == "invalid_parameter"


@pytest.mark.parametrize("told", [{"onyl": "x"}, {"only": "person:x"}, {"weeks": 0}])
def test_what_there_is_not_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PageParameters.model_validate(told)


@given(HOURS, st.integers(1, 520))
def test_a_period_holds_its_weeks_and_begins_with_a_block(now: datetime, weeks: int) -> None:
    asked = PageParameters(weeks=weeks)
    block, quarter = (week_of(asked.since(now, crossed=each)) for each in (False, True))
    assert block % BLOCK == 0
    assert quarter % QUARTER == 0
    assert quarter <= block <= week_of(now) + 1 - weeks < block + BLOCK
