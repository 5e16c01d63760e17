"""GitHub's ``repository`` event: a repository was renamed, or given to another owner.

What happens from then on is told under the new name alone; of all other actions nothing follows.
"""

from datetime import datetime

import msgspec

from collector.forges import github_facts as facts
from collector.forges.errors import UnreadablePayload
from collector.forges.github_shapes import GitHubRepository
from collector.forges.reading import Instant, Text, read
from collector.provider import Payload
from domain.pseudonym import Pseudonyms
from domain.repository import repository_name
from domain.work import RepositoryRenamed


class _Moved(GitHubRepository):
    updated_at: Instant | None = None


class _Name(msgspec.Struct):
    before: Text = msgspec.field(name="from")


class _Account(msgspec.Struct):
    login: Text


class _Accounts(msgspec.Struct):
    user: _Account | None = None
    organization: _Account | None = None


class _Owner(msgspec.Struct):
    before: _Accounts = msgspec.field(name="from")


class _Renamed(msgspec.Struct):
    name: _Name


class _Renaming(msgspec.Struct):
    repository: _Renamed


class _Transferring(msgspec.Struct):
    owner: _Owner


class _Event(msgspec.Struct):
    action: str


class _RenamedEvent(msgspec.Struct):
    changes: _Renaming
    repository: _Moved


class _TransferredEvent(msgspec.Struct):
    changes: _Transferring
    repository: _Moved


def repository_event(
    payload: Payload, _pseudonyms: Pseudonyms, received_at: datetime
) -> tuple[RepositoryRenamed, ...]:
    """Read that a repository has another name; nothing of any other action."""
    match read(payload, _Event, facts.PROVIDER).action:
        case "renamed":
            renamed = read(payload, _RenamedEvent, facts.PROVIDER)
            of, name = renamed.repository, renamed.changes.repository.name.before
            owner = of.full_name.rpartition("/")[0]
        case "transferred":
            transferred = read(payload, _TransferredEvent, facts.PROVIDER)
            of, accounts = transferred.repository, transferred.changes.owner.before
            account = accounts.organization or accounts.user
            owner, name = account.login if account else "", of.full_name.rpartition("/")[2]
        case _:
            return ()
    before = repository_name(f"{owner}/{name}")
    if before is None or not owner or not name:
        raise UnreadablePayload("bad_repository", "GitHub payload: the name before is none")
    at = facts.moment(of.updated_at or received_at)
    renamed_at = min(at, received_at)
    return (RepositoryRenamed(repository=facts.repository(of), before=before, at=renamed_at),)
