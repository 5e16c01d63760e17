"""Lists that are shown a page at a time: what they are narrowed to, and the way to the next page.

A form sends every field that it has. What was left empty there means *all*, so it says ``form=1``;
in any other address an empty value means *not told*, as it does to the JSON routes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from api.pages.filters import PageParameters

USUAL_LIMIT = 50


class ListParameters(PageParameters):
    """What every list knows; ``OWN`` names what one knows besides."""

    OWN: ClassVar[tuple[str, ...]] = ()

    cursor: str | None = None
    limit: int = Field(default=USUAL_LIMIT, ge=1, le=500)
    form: Literal["1"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _sent(cls, told: Any) -> Any:
        """What a form left empty was not asked for."""
        if not isinstance(told, dict) or not told.get("form"):
            return told
        return {name: each for name, each in told.items() if each not in ("", [""])}

    def query(self, **changed: object) -> str:
        """These parameters as the end of an address, with changes; None leaves one out."""
        own = {name: getattr(self, name) for name in (*self.OWN, "cursor")}
        limit = None if self.limit == USUAL_LIMIT else self.limit
        return super().query(**{**own, "limit": limit, **changed})

    def narrows(self) -> bool:
        """Whether anything but the period is narrowed."""
        names = ("tool", "team", "repo", "model", "work_type", *self.OWN)
        return any(getattr(self, name) is not None for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A field of the form above a list.

    ``options`` are (value, words) to choose from; None: it is typed, with ``known`` suggested.
    """

    name: str
    title: str
    options: tuple[tuple[str, str], ...] | None = None
    known: tuple[str, ...] = ()


def chosen(name: str, title: str, values: Iterable[str], now: str | None) -> Choice:
    """A field to choose one of these values from, and the one that is chosen now."""
    named = {*values, *([now] if now else [])}
    return Choice(name=name, title=title, options=tuple((each, each) for each in sorted(named)))


def typed(name: str, title: str, known: Iterable[str | None]) -> Choice:
    """A field to type a value into; some that there are, are suggested."""
    return Choice(name=name, title=title, known=tuple(sorted({each for each in known if each})))
