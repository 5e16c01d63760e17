"""What a page is narrowed to: in the address, and the same on every page that it leads to.

``weeks`` is the period, counted back from now in whole weeks, at least so many; ``tool``, ``team``
and ``repo`` mean what they mean to the JSON routes. The form of a page sends ``only``
(``team:payments``) in their place, as numbers about people can be narrowed by one of them at a
time.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field, model_validator

from api.pages.forms import Done
from api.parameters import Parameters, Text
from api.problems import Refusal
from domain.contributions import Facet
from domain.weeks import block_of, monday, quarter_of, week_of

PERIODS = {4: "4 weeks", 13: "13 weeks", 26: "26 weeks", 52: "52 weeks"}
USUAL_WEEKS = 13
_FACETS = (Facet.TOOL, Facet.TEAM, Facet.REPO, Facet.MODEL, Facet.WORK_TYPE)
KEPT = ("weeks", "tool", "team", "repo")
"""What links to other pages carry along."""


class PageParameters(Parameters):
    """The parameters that every page knows; those that it can't use it says it does not use."""

    weeks: int = Field(default=USUAL_WEEKS, ge=1, le=520)
    tool: Text | None = None
    team: Text | None = None
    repo: Text | None = None
    model: Text | None = None
    work_type: Text | None = None
    only: Text | None = None
    format: Literal["html", "csv"] = "html"
    table: Text | None = None
    done: Done | None = None

    @model_validator(mode="before")
    @classmethod
    def _parted(cls, told: Any) -> Any:
        """``only=team:payments`` is ``team=payments``; an empty ``only`` is all."""
        if not isinstance(told, dict) or not told.get("only"):
            return told
        facet, _, value = str(told["only"]).partition(":")
        if facet not in _FACETS:
            raise ValueError("only: write what and which, for example team:payments")
        others = {name: each for name, each in told.items() if name not in _FACETS}
        return {**others, facet: value, "only": None}

    def one(self) -> tuple[Facet, str] | None:
        """The one value that numbers about people are narrowed to; or a refusal of several."""
        told = [(facet, getattr(self, facet.value)) for facet in _FACETS]
        found = [(facet, value) for facet, value in told if value is not None]
        if len(found) > 1:
            raise Refusal(
                HTTPStatus.BAD_REQUEST,
                "invalid_parameter",
                "Numbers about people are narrowed by one of tool, team, repo, model and work_type"
                " at a time.",
            )
        return found[0] if found else None

    def since(self, now: datetime, *, crossed: bool = False) -> datetime:
        """The Monday on which the period begins; the running week is its last.

        It goes back to the beginning of a block of four weeks, as that is what groups are told
        apart by; ``crossed`` to that of twelve, by which two dimensions at once are.
        """
        first = week_of(now) + 1 - self.weeks
        return monday(quarter_of(first) if crossed else block_of(first))

    def query(self, **changed: object) -> str:
        """These parameters as the end of an address, with changes; None leaves one out."""
        told = {name: getattr(self, name) for name in (*(f.value for f in _FACETS), "weeks")}
        return _spelled({**told, **changed})

    def kept(self) -> str:
        """What links to other pages carry along."""
        return _spelled({name: getattr(self, name) for name in KEPT})


def narrowed(address: str, parameters: PageParameters, facet: Facet, value: str) -> str:
    """The address of a page narrowed to one value in the place of what it was narrowed to."""
    cleared = {each.value: None for each in _FACETS}
    return address + parameters.query(**{**cleared, facet.value: value})


def _spelled(told: dict[str, object]) -> str:
    values = {
        name: value
        for name, value in told.items()
        if value is not None and (name, value) != ("weeks", USUAL_WEEKS)
    }
    return f"?{urlencode(values)}" if values else ""
