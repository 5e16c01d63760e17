"""What GitLab's webhooks and its REST API have in common: people, times, states, and their names.

Times come in three spellings (``2017-12-10 17:08:07 UTC`` in older webhooks, ``2021-04-28 21:50:00
+0200`` in deployments, ISO 8601 elsewhere). Logins are kinds of their own, so that one login on two
forges is not one person; webhooks name some people by their number only.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

from collector.forges import gitlab_texts, markers, references
from collector.forges.errors import UnreadablePayload
from collector.forges.production import named_production
from collector.forges.reading import Count, Number, Sha, Text, utc
from collector.forges.touching import own_files
from domain.people import SamePerson, Strength
from domain.pseudonym import Pseudonyms
from domain.repository import repository_name
from domain.tickets import TicketMoved, TicketState
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CheckState,
    CommitSeen,
    DeploymentState,
    Repository,
)

NAME = "gitlab"
PROVIDER = "GitLab"

Moment: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
        r"(?:Z| UTC| ?[+-][0-9]{2}:?[0-9]{2})\Z"
    ),
]
"""A time as GitLab spells it; ``moment`` reads it."""

# What commits made in the browser carry where the author hides the address: number and login.
_PRIVATE = re.compile(
    r"\A(?P<id>[1-9][0-9]{0,17})-(?P<login>[\w.-]{1,255})@users\.noreply\.[\w.-]+\Z", re.ASCII
)
# Git takes anything for an address, GitLab says "[REDACTED]" for a hidden one, and these are
# everybody's: each would make one person of many.
_NOBODY = ("noreply@", "no-reply@")
# Tokens of projects and groups, service accounts, and what people call the bots they run.
_BOT = re.compile(
    r"\A(?:project|group)_[0-9]+_bot|\Aservice_account_|\[bot\]\Z|[-_.]bot\Z|\Agitlab-bot\Z",
    re.IGNORECASE,
)
_STATES = {
    "opened": ChangeState.OPEN,
    "locked": ChangeState.OPEN,  # being merged at this moment
    "closed": ChangeState.CLOSED,
    "merged": ChangeState.MERGED,
}
CHECK_STATES = {
    "created": CheckState.RUNNING,
    "waiting_for_resource": CheckState.RUNNING,
    "preparing": CheckState.RUNNING,
    "pending": CheckState.RUNNING,
    "running": CheckState.RUNNING,
    "scheduled": CheckState.RUNNING,
    "canceling": CheckState.RUNNING,
    "success": CheckState.SUCCESS,
    "failed": CheckState.FAILURE,
    "canceled": CheckState.NEUTRAL,
    "skipped": CheckState.NEUTRAL,
    "manual": CheckState.NEUTRAL,  # waits for somebody to press a button
}
"""What the states of a pipeline mean; one that is not here means nothing."""
DEPLOYMENT_STATES = {
    "created": DeploymentState.RUNNING,
    "blocked": DeploymentState.RUNNING,  # waits for an approval
    "running": DeploymentState.RUNNING,
    "success": DeploymentState.SUCCESS,
    "failed": DeploymentState.FAILURE,
    "canceled": DeploymentState.INACTIVE,
    "skipped": DeploymentState.INACTIVE,
}
"""What the states of a deployment mean; webhooks also tell those of its approvals."""


class User(msgspec.Struct):
    """Somebody with an account; which of the fields are there depends on where it stands."""

    id: Count | None = None
    username: Text | None = None
    name: Text | None = None
    email: Text | None = None
    bot: bool | None = None


class Label(msgspec.Struct):
    """A label as webhooks have it."""

    title: Text


class MergeRequest(msgspec.Struct, kw_only=True):
    """What both say of a merge request."""

    iid: Number
    title: Text
    state: Annotated[str, msgspec.Meta(pattern=r"\A(?:opened|closed|locked|merged)\Z")]
    source_branch: Text
    target_branch: Text
    created_at: Moment
    updated_at: Moment
    source_project_id: Count | None = None  # null once the fork is deleted
    target_project_id: Count | None = None
    description: str | None = None
    draft: bool | None = None
    work_in_progress: bool | None = None  # before it was called draft (14.0)
    merge_commit_sha: Sha | None = None
    squash_commit_sha: Sha | None = None


class Issue(msgspec.Struct, kw_only=True):
    """What both say of an issue."""

    iid: Number
    title: Text
    state: Annotated[str, msgspec.Meta(pattern=r"\A(?:opened|closed)\Z")]
    created_at: Moment
    updated_at: Moment
    closed_at: Moment | None = None
    moved_to_id: Count | None = None
    duplicated_to_id: Count | None = None


def moment(told: str) -> datetime:
    """Read a time as UTC; raises ``UnreadablePayload`` where it is none."""
    spelled = told.replace(" UTC", "+00:00")
    if spelled[-6] == " ":
        spelled = spelled[:-6] + spelled[-5:]
    try:
        return utc(datetime.fromisoformat(spelled), PROVIDER)
    except ValueError as error:
        message = f"{PROVIDER} payload: no such time"
        raise UnreadablePayload("unreadable_field", message) from error


def moment_or_none(told: str | None) -> datetime | None:
    """Read a time that may be missing."""
    return moment(told) if told else None


def repository(path: str, default_branch: str | None) -> Repository:
    """Name a project by its path; raises ``UnreadablePayload`` where it has none."""
    name = repository_name(path)
    if name is None:
        message = f"{PROVIDER} payload: path_with_namespace is no path"
        raise UnreadablePayload("bad_repository", message)
    return Repository(forge=NAME, name=name, default_branch=default_branch)


def actor(told: User | None, pseudonyms: Pseudonyms) -> Actor:
    """Name somebody with an account; nobody's account is known by the display name alone."""
    if told is None:
        return Actor(identities=())
    identities = [
        *([pseudonyms("gitlab_login", told.username)] if told.username else []),
        *([pseudonyms("gitlab_id", str(told.id))] if told.id else []),
        *([pseudonyms("email", told.email)] if told.email and _is_address(told.email) else []),
    ]
    return Actor(
        identities=tuple(dict.fromkeys(identities)),
        bot=bool(told.bot) or bool(_BOT.search(told.username or "")),
        name=pseudonyms("name", told.name) if told.name else None,
    )


def identities(told: Iterable[User], pseudonyms: Pseudonyms) -> tuple[str, ...]:
    """Give all identities of these people."""
    return tuple(
        dict.fromkeys(each for user in told for each in actor(user, pseudonyms).identities)
    )


def committer(name: str | None, email: str | None, pseudonyms: Pseudonyms) -> Actor:
    """Name the author of a commit, whom Git knows by an address and a name."""
    identities = []
    if private := _PRIVATE.match(email or ""):
        identities = [
            pseudonyms("gitlab_login", private["login"]),
            pseudonyms("gitlab_id", private["id"]),
        ]
    if email and _is_address(email):
        identities.append(pseudonyms("email", email))
    bot = bool(_BOT.search(name or "") or (private and _BOT.search(private["login"])))
    return Actor(
        identities=tuple(identities), bot=bot, name=pseudonyms("name", name) if name else None
    )


def same_people(told: Iterable[User | None], pseudonyms: Pseudonyms) -> tuple[SamePerson, ...]:
    """Tie number and login of these accounts: elsewhere only the number is told."""
    ties = (
        SamePerson(
            one=pseudonyms("gitlab_login", user.username),
            other=pseudonyms("gitlab_id", str(user.id)),
            strength=Strength.STRONG,
            source=NAME,
        )
        for user in told
        if user and user.username and user.id
    )
    return tuple(dict.fromkeys(ties))


def change(
    place: Repository,
    told: MergeRequest,
    *,
    author: Actor,
    head_sha: str,
    head_repository: str | None,
    merge_sha: str | None,
    merged_at: datetime | None,
    closed_at: datetime | None,
    labels: tuple[str, ...] | None,
    messages: tuple[str, ...],
    login: str | None = None,
) -> ChangeSeen:
    """Put together what is said of a merge request; ``messages`` are those of its commits."""
    body = told.description or ""
    undone = [
        number
        for text in (references.prose(body), *messages)
        for number in gitlab_texts.reverted_merge_requests(text, place.name)
    ]
    draft = told.draft if told.draft is not None else told.work_in_progress
    return ChangeSeen(
        repository=place,
        number=told.iid,
        state=_STATES[told.state],
        draft=bool(draft),
        title=told.title,
        author=author,
        head_ref=told.source_branch,
        head_sha=head_sha,
        base_ref=told.target_branch,
        head_repository=head_repository,
        merge_sha=merge_sha,
        created_at=moment(told.created_at),
        updated_at=moment(told.updated_at),
        merged_at=merged_at,
        closed_at=closed_at,
        # Numbers only grow: what a change undoes was there before it.
        reverts=tuple(dict.fromkeys(number for number in undone if number < told.iid)),
        superseded_by=gitlab_texts.superseding_merge_requests(body, place.name),
        tasks=_once(
            references.ticket_keys(told.title),
            gitlab_texts.closed_by_change(body, place.name),
            references.branch_ticket_keys(told.source_branch),
        ),
        tools=markers.tools_of_change(
            f"{told.title}\n{body}",
            branch=told.source_branch,
            login=login,
            labels=labels or (),
        ),
        labels=labels,
        squash_sha=told.squash_commit_sha if merge_sha and told.merge_commit_sha else None,
    )


def commit_seen(
    seen: CommitSeen,
    message: str,
    place: Repository,
    *,
    branch: str | None,
    name: str | None,
    email: str | None,
) -> CommitSeen:
    """Add what the message refers to, and the tools that it or the author names."""
    subject = message.partition("\n")[0]
    reverts = references.reverted_commits(message)
    undone = gitlab_texts.reverted_by_branch(branch or "")
    if undone and subject.startswith('Revert "') and not any(map(undone.startswith, reverts)):
        # Of a merge request the message names the number only, the branch the merged commit.
        reverts = (*(sha for sha in reverts if not sha.startswith(undone)), undone)
    return replace(
        seen,
        files=own_files(message, seen.files),
        sessions=references.named_sessions(message),
        reverts=reverts,
        tasks=_once(
            gitlab_texts.closed_issues(message, place.name), references.ticket_keys(subject)
        ),
        tools=markers.tools_of_commit(message, email=email, name=name),
    )


def moved(key: str, to_state: TicketState, at: datetime) -> TicketMoved:
    """Say that an issue was closed or reopened; GitLab tells the time twice, a moment apart."""
    back = to_state is TicketState.OPEN
    return TicketMoved(
        tracker=NAME,
        key=key,
        from_state=TicketState.DONE if back else TicketState.OPEN,
        to_state=to_state,
        at=at.replace(microsecond=0),
    )


def ticket_state(told: Issue, duplicate: bool = False) -> TicketState:
    """Say where an issue stands: one that went elsewhere or said what another says is dropped."""
    if told.state == "opened":
        return TicketState.OPEN
    gone = duplicate or told.moved_to_id is not None or told.duplicated_to_id is not None
    return TicketState.DROPPED if gone else TicketState.DONE


def is_production(environment: str, tier: str | None) -> bool:
    """Tell by the environment's tier; where GitLab does not tell that, by its name."""
    return tier == "production" if tier else named_production(environment)


def check_name(source: str | None) -> str:
    """Name a pipeline by what started it: of two of one kind on one commit the later counts."""
    return f"pipeline/{source}" if source else "pipeline"


def _is_address(told: str) -> bool:
    return "@" in told and not told.lower().startswith(_NOBODY)


def _once(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for group in groups for key in group))
