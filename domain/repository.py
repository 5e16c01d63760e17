"""Repository names in the one form in which they are compared: ``owner/name``, lower case."""

import re

_REMOTE = re.compile(
    r"^(?:(?:https?|ssh|git)://(?:[^@/]*@)?[^/]+/|[\w.-]+@[\w.-]+:)(?P<path>.+?)(?:\.git)?/?$"
)


def repository_name(told: str | None) -> str | None:
    """``owner/name`` from a full name or any remote URL, or None where it is neither.

    Groups deeper than one level (GitLab) stay: ``group/sub/name``. Credentials inside a URL are
    dropped with the host.
    """
    if not told:
        return None
    told = told.strip()
    remote = _REMOTE.match(told)
    path = remote["path"] if remote else told.removesuffix(".git").strip("/")
    if "://" in path or "@" in path or " " in path or "/" not in path:
        return None
    return path.lower()
