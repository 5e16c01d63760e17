"""What happened when, and what is tied to what, as rows: for sessions, changes and tickets."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from api.pages import formats
from api.pages import tables as cells
from api.pages.tables import Cell, Column, Row, Table
from domain.labels import TargetKind
from domain.usage import NANOUSD
from store.report_changes import Happened
from store.report_links import EvidenceSeen, LinkListed

_SHA = 12
_STEPS = {
    "opened": "opened",
    "committed": "commit written",
    "reviewed": "reviewed",
    "checked": "checked",
    "deployed": "deployed",
    "merged": "merged",
    "closed": "closed without a merge",
    "created": "created",
    "moved": "moved",
}


def change_path(repo: str, number: int | str) -> str:
    """The address of a change's page, under this host."""
    return f"/changes/{quote(repo, safe='/')}/{number}"


def ticket_path(key: str, tracker: str | None = None) -> str:
    """The address of a ticket's page, under this host."""
    tail = f"?tracker={quote(tracker, safe='')}" if tracker else ""
    return f"/tickets/{quote(key, safe='/')}{tail}"


def target_path(kind: str, repo: str, target_id: str) -> str | None:
    """The address of what a session is tied to; None where it has no page."""
    if kind == TargetKind.CHANGE:
        return change_path(repo, target_id)
    return ticket_path(target_id) if kind == TargetKind.TICKET else None


def happened(name: str, caption: str, told: Iterable[Happened]) -> Table:
    """What happened to a change or ticket, the first thing first."""
    return Table(
        name=name,
        caption=caption,
        columns=(
            Column(title="When (UTC)", names=("at",)),
            Column(title="What", names=("kind", "state")),
            Column(title="Which", names=("id",)),
            Column(title="By", names=("by",), wide=True),
        ),
        rows=[step(each) for each in told],
    )


def step(each: Happened) -> Row:
    """One thing that happened."""
    state = formats.words(each.state) if each.state else None
    named = each.id[:_SHA] if each.kind == "committed" and each.id else each.id
    return (
        cells.moment(each.at),
        Cell(
            text=_STEPS.get(each.kind, formats.words(each.kind)),
            values=(each.kind, each.state),
            note=state,
        ),
        Cell(text=named, values=(each.id,), missing="\u2013"),
        Cell(text=each.by, values=(each.by,), missing="\u2013"),
    )


def tied(links: Sequence[LinkListed]) -> Table:
    """Sessions that are tied to a change or ticket, the newest first, and why."""
    return Table(
        name="sessions",
        caption="Sessions behind it, and what speaks for each",
        columns=(
            Column(title="Session", names=("tool", "session_id")),
            Column(title="Last record", names=("last_at",)),
            Column(title="Tier", names=("tier", "probability")),
            Column(title="Cost that goes here", names=("cost_usd", "cost_share"), numeric=True),
            Column(title="Evidence", names=("evidence",), wide=True),
        ),
        rows=[_tied(each) for each in links],
    )


def _tied(link: LinkListed) -> Row:
    sure = f"right in {formats.share(link.probability)} of cases"
    cost, part = link.cost_nanousd, link.cost_share
    evidence = ", ".join(dict.fromkeys(formats.words(each.kind) for each in link.evidence))
    return (
        Cell(
            text=formats.short(link.session_id),
            values=(link.tool, link.session_id),
            href=formats.session_path(link.tool, link.session_id),
            note=link.tool,
        ),
        cells.moment(link.last_at),
        Cell(
            text=link.tier,
            values=(link.tier, link.probability),
            note=sure if link.tier in "AB" else f"a proposal, {sure}",
        ),
        Cell(
            text=None if cost is None else formats.money(cost),
            values=(None if cost is None else cost / NANOUSD, part),
            note=None if part is None else f"{formats.share(part)} of the session",
            missing="none",
        ),
        Cell(text=evidence or None, values=(_spelled(link.evidence),)),
    )


def _spelled(evidence: Iterable[EvidenceSeen]) -> str:
    return "; ".join(f"{each.kind}={each.value}" for each in evidence)
