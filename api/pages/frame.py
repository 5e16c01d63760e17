"""What stands around every page: where it is among the others, and what is carried along."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fastapi.responses import HTMLResponse, Response

from api.pages.filters import PageParameters
from api.pages.forms import DONE
from api.pages.rendering import render
from api.pages.tables import Table, download
from api.wiring import Wiring


class Place(NamedTuple):
    """A page that the navigation leads to."""

    path: str
    name: str


PLACES = (
    Place("/", "Overview"),
    Place("/tools", "Tools"),
    Place("/teams", "Teams"),
    Place("/routing", "Work \u00d7 models"),
    Place("/leaks", "Leaks"),
    Place("/sessions", "Sessions"),
    Place("/changes", "Changes"),
    Place("/tickets", "Tickets"),
    Place("/budgets", "Budgets"),
    Place("/alerts", "Alerts"),
    Place("/quality", "Data quality"),
    Place("/connect", "Connect"),
    Place("/me", "Me"),
)


def page(
    wiring: Wiring,
    template: str,
    here: str,
    parameters: PageParameters,
    told: Mapping[str, object],
    tables: Sequence[Table] = (),
) -> Response:
    """A page among the others, or one of its tables as a file where that is asked for.

    ``here`` is the place that it belongs to. The template gets ``told``, ``tables`` by their names
    as ``tables``, ``parameters``, and what a form has just ``done``.
    """
    if parameters.format == "csv":
        return download(tables, parameters.table)
    frame = {
        "here": here,
        "places": PLACES,
        "parameters": parameters,
        "version": wiring.version,
        "done": DONE[parameters.done] if parameters.done else None,
        "tables": {table.name: table for table in tables},
    }
    return HTMLResponse(render(template, {**frame, **told}))
