"""Changes: what each cost, what became of it, and what happened when."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.auth import may_read
from api.cursors import cut, read_cursor
from api.parameters import AsOf, ChangeParameters, Text
from api.problems import Refusal
from api.schemas.work import ChangeDetail, ChangePage, change_detail, change_row
from api.wiring import Wired
from domain.labels import TargetKind
from store import report_changes, report_links
from store.report_changes import ChangeFilter, ChangePosition
from store.report_links import LinkFilter

router = APIRouter(tags=["changes"], dependencies=[Depends(may_read)])

_MOST_LINKS = 500
_LARGEST_NUMBER = 2**31 - 1


@router.get("/v1/changes")
def changes(wired: Wired, asked: Annotated[ChangeParameters, Query()]) -> ChangePage:
    """Pull and merge requests, newest first, each with what sessions spent on it."""
    after = None
    if asked.cursor is not None:
        opened_at, repo, number = read_cursor(asked.cursor, str, int)
        after = ChangePosition(opened_at=opened_at, repo=repo, number=number)
    wanted = ChangeFilter(
        start=asked.start,
        end=asked.end,
        repos=frozenset(asked.repo),
        states=frozenset(state.value for state in asked.state),
        tickets=frozenset(asked.ticket),
        linked=asked.linked,
    )
    with wired.database.reading() as connection:
        found = report_changes.page(connection, wanted, asked.limit + 1, after)
        shown, cursor = cut(
            found, asked.limit, lambda each: (each.opened_at, each.repo, each.number)
        )
        names = wired.names(connection, (each.author for each in shown))
        outcomes = wired.outcomes(
            connection, [(each.repo, each.number) for each in shown], wired.clock()
        )
    rows = [change_row(each, names, outcomes.get((each.repo, each.number))) for each in shown]
    return ChangePage(rows=rows, next_cursor=cursor)


@router.get("/v1/changes/{repo:path}/{number}")
def change(
    wired: Wired,
    repo: Annotated[Text, Path(description="Repository, as owner/name.")],
    number: Annotated[
        int, Path(description="The change's number there.", ge=1, le=_LARGEST_NUMBER)
    ],
    asked: Annotated[AsOf, Query()],
) -> ChangeDetail:
    """One change: its cost, the sessions behind it with their evidence, its outcome and history."""
    with wired.database.reading() as connection:
        found = report_changes.find(connection, (repo.lower(), number))
        if found is None:
            raise Refusal(
                HTTPStatus.NOT_FOUND, "change_not_found", "No forge has told of such a change."
            )
        of_it = LinkFilter(
            kinds=frozenset({TargetKind.CHANGE.value}),
            repos=frozenset({found.repo}),
            ids=frozenset({str(number)}),
        )
        links = report_links.page(connection, of_it, _MOST_LINKS)
        timeline = report_changes.timeline(connection, found)
        names = wired.names(connection, [found.author])
        as_of = asked.as_of or wired.clock()
        outcome = wired.outcomes(connection, [(found.repo, number)], as_of).get(
            (found.repo, number)
        )
    return change_detail(found, names, outcome, links, timeline, asked.as_of)
