"""Reading what Azure DevOps keeps by project: work items, and what was put into environments.

Work items come from the reporting API, which tells every revision once, in the order in which they
were made, and gives a token to go on from. What they are linked to is asked for in hundreds.

Environments list what pipelines deployed to them. Classic releases live on another server that is
not called; their webhook tells of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from collector.client import Client
from collector.client_answer import Answer
from collector.client_errors import NotThere
from collector.forges import azure_devops_boards as boards
from collector.forges import azure_devops_builds as builds
from collector.forges import azure_devops_rest as rest
from collector.forges import azure_devops_words as words
from collector.forges.errors import UnreadablePayload
from collector.forges.production import named_production
from collector.forges.reading import Instant, Text, read
from collector.passes import at_moment, moment_of
from collector.source import Page, Reading, readable
from domain.tickets import TicketState
from domain.work import Repository, WorkFact

_FIELDS = (
    "System.Title",
    "System.State",
    "System.Reason",
    "System.TeamProject",
    "System.ChangedDate",
    "System.CreatedDate",
    "System.WorkItemType",
    "System.Tags",
    "System.Parent",
    "System.AssignedTo",
    "System.IsDeleted",
    "Microsoft.VSTS.Common.ClosedDate",
    "Microsoft.VSTS.Common.StateChangeDate",
)
_CHANGED, _STATE_CHANGED = "System.ChangedDate", "Microsoft.VSTS.Common.StateChangeDate"
_IDS_AT_ONCE = 200


class _State(msgspec.Struct):
    name: Text
    category: str = ""


class _Type(msgspec.Struct):
    name: Text
    states: tuple[_State, ...] = ()


class _Revision(boards.WorkItem):
    rev: int = 1


class _At(msgspec.Struct):
    at: Instant


def work_items(reading: Reading, project: str) -> Iterator[Page]:
    """Every revision since the cursor: states, moves, and what the items are now linked to."""
    client = reading.client
    categories = _categories(client, project)
    repositories = _repositories(client)
    last: dict[int, tuple[str, str]] = {}
    query: dict[str, str | int] = {
        **rest.VERSION,
        "fields": ",".join(_FIELDS),
        "includeIdentityRef": "true",
        "includeDeleted": "true",
        "$maxPageSize": _IDS_AT_ONCE,
    }
    if reading.cursor:
        query["continuationToken"] = reading.cursor
    elif reading.since:
        query["startDateTime"] = at_moment(reading.since)
    while True:
        answer = client.get(f"{project}/_apis/wit/reporting/workitemrevisions", query)
        unreadable: list[str] = []
        values = answer.items("values")
        told = list(readable(values, _Revision, words.PROVIDER, unreadable))
        facts: list[WorkFact] = []
        for each in told:
            try:
                facts += _revision(each, reading, categories, last)
            except UnreadablePayload as error:
                unreadable.append(error.code)
        facts += _ties(client, {each.id for each in told}, repositories, unreadable)
        body = answer.json()
        token = body.get("continuationToken")
        if token is not None:
            query["continuationToken"] = str(token)
            query.pop("startDateTime", None)
        yield Page(
            facts=tuple(facts),
            cursor=None if token is None else str(token),
            unreadable=tuple(unreadable),
        )
        if token is None or body.get("isLastBatch", True):
            return


def _revision(
    told: _Revision,
    reading: Reading,
    categories: Mapping[tuple[str, str], TicketState],
    last: dict[int, tuple[str, str]],
) -> Iterator[WorkFact]:
    deleted = told.fields.get("System.IsDeleted") is True
    seen = boards.ticket(told, reading.pseudonyms, categories, deleted=deleted)
    now = (seen.state_name, _text(told.fields, "System.Reason"))
    before = last.get(told.id)
    last[told.id] = now
    yield seen
    # The date of the state says whether this revision moved it; from where, only the one before.
    if told.rev > 1 and told.fields.get(_STATE_CHANGED) == told.fields.get(_CHANGED):
        yield from boards.moved(told.id, before, now, seen.updated_at, seen.kind or "", categories)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _ties(
    client: Client, ids: Iterable[int], repositories: Mapping[str, str], unreadable: list[str]
) -> Iterator[WorkFact]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _IDS_AT_ONCE):
        some = ",".join(map(str, ordered[start : start + _IDS_AT_ONCE]))
        query = {**rest.VERSION, "ids": some, "$expand": "relations", "errorPolicy": "omit"}
        items = (each for each in client.get("_apis/wit/workitems", query).items("value") if each)
        for told in readable(items, boards.WorkItem, words.PROVIDER, unreadable):
            try:
                changed = read({"at": told.fields.get(_CHANGED)}, _At, words.PROVIDER).at
            except UnreadablePayload as error:
                unreadable.append(error.code)
            else:
                yield from boards.ties(told.id, told.relations or (), repositories, changed)


def _categories(client: Client, project: str) -> dict[tuple[str, str], TicketState]:
    """What each state of each type of the project's process means."""
    answer = client.get(f"{project}/_apis/wit/workitemtypes", rest.VERSION)
    told = readable(answer.items("value"), _Type, words.PROVIDER, [])
    return {
        (kind.name.lower(), state.name.lower()): boards.CATEGORIES[state.category.lower()]
        for kind in told
        for state in kind.states
        if state.category.lower() in boards.CATEGORIES
    }


def _repositories(client: Client) -> dict[str, str]:
    """The names of all repositories that the token sees, by their ids."""
    answer = client.get("_apis/git/repositories", rest.VERSION)
    names = {}
    for told in readable(answer.items("value"), words.RepositoryTold, words.PROVIDER, []):
        try:
            names[told.id.lower()] = words.repository(told).name
        except UnreadablePayload:
            continue
    return names


@dataclass(slots=True)
class _Environments:
    """One reading of a project's environments: down to ``floor``, and what it met."""

    client: Client
    project: str
    floor: datetime | None
    moments: list[datetime] = field(default_factory=list)
    running: list[datetime] = field(default_factory=list)
    sources: dict[int, tuple[Repository, str] | None] = field(default_factory=dict)

    def read(self, environment: rest.Environment) -> Iterator[Page]:
        """What was put into one, newest first."""
        path = f"{_environments(self.project)}/{environment.id}/environmentdeploymentrecords"
        for answer in _pages(self.client, path, "top"):
            unreadable: list[str] = []
            values = answer.items("value")
            told = list(readable(values, rest.DeploymentRecord, words.PROVIDER, unreadable))
            fresh = [each for each in told if self._is_fresh(each)]
            self.moments += filter(None, (each.finish_time or each.start_time for each in told))
            self.running += (e.start_time for e in fresh if e.start_time and not e.finish_time)
            yield Page(
                facts=tuple(self._deployed(environment, fresh)), unreadable=tuple(unreadable)
            )
            if told and not fresh:
                return

    def reached(self) -> datetime | None:
        """From where the next reading must look: what still runs will end."""
        return min(self.running) if self.running else max(self.moments, default=None)

    def _is_fresh(self, told: rest.DeploymentRecord) -> bool:
        at = told.finish_time or told.start_time
        return self.floor is None or at is None or at >= self.floor

    def _deployed(
        self, environment: rest.Environment, told: Sequence[rest.DeploymentRecord]
    ) -> Iterator[WorkFact]:
        production = named_production(environment.name)
        for each in told:
            run = each.owner.id
            if run not in self.sources:
                self.sources[run] = _source(self.client, self.project, run)
            source = self.sources[run]
            if source is not None:
                seen = rest.deployment(*source, environment.name, production, each)
                if seen is not None:
                    yield seen


def deployments(reading: Reading, project: str) -> Iterator[Page]:
    """What pipelines put into environments, down to the oldest that ran last time."""
    floor = moment_of(reading.cursor, reading.since)
    environments = _Environments(reading.client, project, floor)
    for answer in _pages(reading.client, _environments(project), "$top"):
        for told in readable(answer.items("value"), rest.Environment, words.PROVIDER, []):
            yield from environments.read(told)
    reached = environments.reached()
    yield Page(cursor=at_moment(reached) if reached else None)


def _environments(project: str) -> str:
    return f"{project}/_apis/distributedtask/environments"


def _pages(client: Client, path: str, top: str) -> Iterator[Answer]:
    """All pages; the API has two names for how much a page may hold."""
    yield from client.pages(path, {**rest.PREVIEW, top: rest.TOP}, following=rest.following)


def _source(client: Client, project: str, run: int) -> tuple[Repository, str] | None:
    """Repository and commit of a build; None where it is gone, or says neither."""
    try:
        answer = client.get(f"{project}/_apis/build/builds/{run}", rest.VERSION)
    except NotThere:
        return None
    told = next(readable([answer.json()], builds.Build, words.PROVIDER, []), None)
    of, sha = builds.built(told) if told else (None, None)
    return (of, sha) if of and sha else None
