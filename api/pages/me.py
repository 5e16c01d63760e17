"""One's own page: what one used over the last 30 days, what it bought, and one's sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.asker import Asker, How
from api.pages import formats
from api.pages.arrived import MEANINGS
from api.pages.lists import Choice
from api.pages.sessions import SessionListParameters, listed
from api.pages.tables import Cell, Column, Table
from api.wiring import Wiring
from domain.labels import Label
from store.report_me import own_usage
from store.report_usage import Usage

_SUMMED = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeView:
    """Who asks. ``usage`` is None where nothing says who that is: then there are no tables."""

    asking: Asker
    sees: str
    open_here: bool
    can_sign_in: bool
    name: str | None
    since: datetime | None
    usage: Usage | None
    tables: Sequence[Table]
    next_cursor: str | None
    choices: Sequence[Choice]


def me_view(wiring: Wiring, asking: Asker, parameters: SessionListParameters) -> MeView:
    """Gather the page."""
    usage, since, name, cursor, tables = None, None, None, None, []
    if asking.person is not None:
        since = wiring.clock() - _SUMMED
        with wiring.database.reading() as connection:
            usage, labels = own_usage(connection, asking.person, since)
            name = wiring.names(connection, [asking.person]).get(asking.person)
            table, _, cursor = listed(wiring, connection, parameters, [asking.person])
        tables = [table, _labels(labels)]
    return MeView(
        asking=asking,
        sees=_sees(asking),
        open_here=asking.how is How.OPEN,
        can_sign_in=wiring.doors.sign_in is not None,
        name=name,
        since=since,
        usage=usage,
        tables=tables,
        next_cursor=cursor,
        choices=[
            Choice(name="label", title="Label", options=tuple((each, each) for each in Label))
        ],
    )


def _sees(asking: Asker) -> str:
    if asking.others is None:
        return "everybody"
    return "people of the teams that you lead, and yourself" if asking.others else "yourself"


def _labels(labels: dict[str | None, int]) -> Table:
    known = {label: labels.get(label.value if label else None, 0) for label in MEANINGS}
    return Table(
        name="labels",
        caption="Your sessions of the last 30 days, by label",
        columns=(
            Column(title="Label", names=("label",)),
            Column(title="Sessions", names=("sessions",), numeric=True),
        ),
        rows=[
            (
                Cell(
                    text=label.value if label else "not yet",
                    values=(label.value if label else None,),
                    mark=f"label {label or 'none'}",
                    note=MEANINGS[label],
                ),
                Cell(text=formats.number(count), values=(count,)),
            )
            for label, count in known.items()
            if count
        ],
    )
