"""What a record says, also where a gateway moved it to the resource.

A Collector that groups records (``groupbyattrs``) takes attributes off them and puts them on the
resource around them. The record then names neither its session nor its user, and is still theirs.
What the record says itself goes before its resource, which may hold another session.
"""

from collections.abc import Callable
from functools import lru_cache

from collector.protobuf_values import plain
from collector.sender import PERSON
from domain.record import Attributes, LogRecord, Scope, Value, text

SESSION = (
    "session.id",
    "sessionId",
    "gen_ai.conversation.id",
    "conversation.id",
    "ulid",
    "task_id",
    "taskId",
    "cursor.conversation.id",
    "kiro.conversation.id",
)
"""Attributes that name the session in which a record was made, whatever the tool."""

USER = (
    *PERSON,
    "cursor.user.account_id",
    "cursor.user.id",
    "kiro.user.id",
    "kiro.user.email",
    "user_id",
    "userId",
    "account_id",
    "account_email",
    "device_id",
)
"""Attributes that name a person or a machine, whatever the tool."""


def said(attributes: Attributes, scope: Scope, *names: str) -> str | None:
    """The first of these that the record says, or else the first that its resource says."""
    return text(attributes, *names) or text(scope.resource, *names)


def completing(
    *groups: tuple[str, ...],
) -> Callable[[Attributes, Scope], dict[str, Value]]:
    """Give a reader of all attributes, and of each group that a record lacks, its resource's."""

    @lru_cache(maxsize=4096)
    def held(scope: Scope) -> list[tuple[tuple[str, ...], dict[str, Value]]]:
        of_groups = (
            {name: scope.resource[name] for name in names if name in scope.resource}
            for names in groups
        )
        return [each for each in zip(groups, of_groups, strict=True) if each[1]]

    def completed(attributes: Attributes, scope: Scope) -> dict[str, Value]:
        moved: dict[str, Value] = {}
        for names, told in held(scope):
            if text(attributes, *names) is None:
                moved |= told
        return {**moved, **attributes}

    return completed


_with_whose = completing(SESSION, USER)


def entire(record: LogRecord) -> list[tuple[str, str]]:
    """All that a record says, which identifies one that has no id; whose it is with it."""
    return spelled(_with_whose(record.attributes, record.scope))


def spelled(attributes: Attributes) -> list[tuple[str, str]]:
    """All of these, to identify what says them; a number is the same in any form."""
    return sorted((name, repr(plain(value))) for name, value in attributes.items())
