"""What only GitHub's GraphQL API tells of changes: the issues they close, and forced pushes.

The closing list includes what was linked by hand, which no text tells. A forced push tells which
head took the place of which.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from collector.client import Client
from collector.client_errors import BadAnswer, ClientError
from collector.forges.errors import UnreadablePayload
from collector.forges.github_facts import NAME, PROVIDER, moment
from collector.forges.reading import Instant, Number, Sha, Text, read
from domain.repository import repository_name
from domain.tickets import TicketTied, TieKind
from domain.work import CommitsPushed, Repository, WorkFact

_AT_ONCE = 50
_CHANGE = """
    number headRefName headRepository { nameWithOwner }
    closingIssuesReferences(first: 50) { nodes { number repository { nameWithOwner } } }
    timelineItems(first: 50, itemTypes: [HEAD_REF_FORCE_PUSHED_EVENT]) { nodes {
      ... on HeadRefForcePushedEvent {
        createdAt beforeCommit { oid } afterCommit { oid } } } }
"""


class _Name(msgspec.Struct, rename="camel"):
    name_with_owner: Text


class _Issue(msgspec.Struct):
    number: Number
    repository: _Name


class _Issues(msgspec.Struct):
    nodes: tuple[_Issue | None, ...]


class _Commit(msgspec.Struct):
    oid: Sha


class _Forced(msgspec.Struct, rename="camel"):
    created_at: Instant | None = None
    before_commit: _Commit | None = None  # null once it was cleared away
    after_commit: _Commit | None = None


class _Timeline(msgspec.Struct):
    nodes: tuple[_Forced | None, ...]


class _Change(msgspec.Struct, rename="camel"):
    number: Number
    head_ref_name: Text
    closing_issues_references: _Issues
    timeline_items: _Timeline
    head_repository: _Name | None = None


class _Data(msgspec.Struct):
    repository: dict[str, _Change | None] | None


class _Answer(msgspec.Struct):
    data: _Data | None = None


class Graph:
    """Asks for many changes at once; gives nothing more after the server once refused."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._path = _path(client.root)
        self._refused = False

    def told(
        self, of: Repository, numbers: Sequence[int], now: datetime
    ) -> Mapping[int, Sequence[WorkFact]]:
        """The facts by the change's number. Raises what a client raises, but not for a refusal."""
        facts: dict[int, list[WorkFact]] = defaultdict(list)
        for start in range(0, len(numbers), _AT_ONCE):
            for change in self._asked(of, numbers[start : start + _AT_ONCE]):
                facts[change.number] += _facts(of, change, now)
        return facts

    def _asked(self, of: Repository, numbers: Sequence[int]) -> Iterable[_Change]:
        if self._refused:
            return ()
        owner, _, name = of.name.rpartition("/")
        aliases = " ".join(
            f"c{each}: pullRequest(number: {each}) {{{_CHANGE}}}" for each in numbers
        )
        query = (
            "query($owner: String!, $name: String!) {"
            f" repository(owner: $owner, name: $name) {{ {aliases} }} }}"
        )
        body = {"query": query, "variables": {"owner": owner, "name": name}}
        try:
            told = read(self._client.post(self._path, body).json(), _Answer, PROVIDER)
        except (ClientError, UnreadablePayload) as error:
            if isinstance(error, ClientError) and not _is_refusal(error):
                raise
            self._refused = True
            return ()
        if told.data is None or told.data.repository is None:
            return ()
        return [change for change in told.data.repository.values() if change]


def _facts(of: Repository, change: _Change, now: datetime) -> list[WorkFact]:
    facts: list[WorkFact] = [
        TicketTied(
            tracker=NAME,
            key=f"{issue.repository.name_with_owner.lower()}#{issue.number}",
            kind=TieKind.CHANGE,
            repo=of.name,
            value=str(change.number),
            relation="closes",
            seen_at=now,
        )
        for issue in change.closing_issues_references.nodes
        if issue
    ]
    # Of a fork's branch nothing is known here but what the change's own commits tell.
    head = change.head_repository
    if head is None or repository_name(head.name_with_owner) != of.name:
        return facts
    facts += [
        CommitsPushed(
            repository=of,
            branch=change.head_ref_name,
            before=forced.before_commit.oid,
            after=forced.after_commit.oid,
            forced=True,
            pushed_at=moment(forced.created_at),
            commits=(),
        )
        for forced in change.timeline_items.nodes
        if forced and forced.created_at and forced.before_commit and forced.after_commit
    ]
    return facts


def _path(root: str) -> str:
    """Where GraphQL answers: beside ``/api/v3`` on Enterprise Server."""
    base = root.removesuffix("/v3")
    return f"{base}/graphql"


def _is_refusal(error: ClientError) -> bool:
    """Whether this server or token will refuse the next question too."""
    return isinstance(error, BadAnswer) or error.code in ("not_there", "not_allowed")
