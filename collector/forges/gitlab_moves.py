"""GitLab's system hooks ``project_rename`` and ``project_transfer``: a project has another path.

Only an administrator's system hook tells them; webhooks of projects and groups do not. A group or
user that is renamed takes its projects along, of which no hook tells one by one.

https://docs.gitlab.com/administration/system_hooks/
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from collector.forges import gitlab_words as words
from collector.forges.errors import UnreadablePayload
from collector.forges.gitlab_words import Moment
from collector.forges.reading import Text, read
from domain.pseudonym import Pseudonyms
from domain.repository import repository_name
from domain.work import Repository, RepositoryRenamed


class _Moved(msgspec.Struct):
    path_with_namespace: Text
    old_path_with_namespace: Text
    updated_at: Moment | None = None


def project_moved(
    payload: Mapping[str, Any], _pseudonyms: Pseudonyms, received_at: datetime
) -> Iterator[RepositoryRenamed]:
    """Read that a project has another path; nothing where only its display name is another."""
    told = read(payload, _Moved, words.PROVIDER)
    name = repository_name(told.path_with_namespace)
    before = repository_name(told.old_path_with_namespace)
    if name is None or before is None:
        raise UnreadablePayload("bad_repository", "GitLab payload: the path is none of a project")
    if name != before:
        at = words.moment(told.updated_at) if told.updated_at else received_at
        yield RepositoryRenamed(
            repository=Repository(forge=words.NAME, name=name),
            before=before,
            at=min(at, received_at),
        )
