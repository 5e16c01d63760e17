"""Repository names in the one form in which they are compared: ``owner/name``, lower case.

A session tells the remote it works with, a forge the name it has for the repository; both must come
out the same. Most remotes end with the name. Not so where the path holds more than it:

- Bitbucket Data Center clones over HTTP below ``/scm/`` and shows below ``/projects/…/repos/``;
  the name is ``project/repository``, of a person's own ``~user/repository``.
- Azure DevOps puts ``_git`` before the repository, and leaves the project out where both have one
  name. The name is always ``organisation/project/repository`` (on a server of one's own the
  collection is the organisation); it may have spaces, which URLs escape.

https://learn.microsoft.com/azure/devops/extend/develop/work-with-urls
"""

import re
from urllib.parse import unquote

_URL = re.compile(
    r"^(?P<scheme>https?|ssh|git)://(?:[^@/]*@)?(?P<host>\[[^]/]*\]|[^/:]+)(?::\d*)?/(?P<path>.+)$"
)
_SCP = re.compile(r"^[\w.-]+@(?P<host>[\w.-]+):(?P<path>.+)$")
_GIT = re.compile(r"\.git/?$|/$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_AZURE_SSH = frozenset({"ssh.dev.azure.com", "vs-ssh.visualstudio.com"})
_AZURE_CLOUD = "dev.azure.com"
_AZURE_OLD = ".visualstudio.com"
# Where organisations are hosted, the collection is always this one and says nothing.
_ONE_COLLECTION = "defaultcollection"
# Between ``_git`` and the repository: which objects a clone asks for.
_CLONE_MODES = frozenset({"_full", "_optimized"})
# Bitbucket Data Center: where a person's repositories are browsed, their name begins with "~".
_BROWSED = re.compile(
    r"(?:^|/)(?P<kind>projects|users)/(?P<owner>[^/]+)/repos/(?P<name>[^/]+)(?:/browse)?$",
    re.IGNORECASE,
)
_CLONED = re.compile(r"(?:^|/)scm/(?P<owner>[^/]+)/(?P<name>[^/]+)$", re.IGNORECASE)


def repository_name(told: str | None) -> str | None:
    """``owner/name`` from a full name or any remote URL, or None where it is neither.

    Groups deeper than one level (GitLab) stay: ``group/sub/name``. Credentials inside a URL are
    dropped with the host.
    """
    if not told:
        return None
    told = told.strip()
    remote = _URL.match(told) or _SCP.match(told)
    if remote is None:
        return _plain(_GIT.sub("", told).strip("/"))
    host = remote["host"].lower()
    path = unquote(_GIT.sub("", remote["path"])).strip("/")
    if (parts := _azure(host, path.split("/"))) is not None:
        return _named(parts)
    if remote.re is _URL and remote["scheme"].startswith("http"):
        path = _bitbucket(path) or path
    return _plain(path)


def azure_name(organisation: str, project: str, repository: str) -> str | None:
    """The name of a repository of Azure DevOps; None where a part is no name."""
    parts = [part.strip().lower() for part in (organisation, project, repository)]
    if any(not part or "/" in part or _CONTROL.search(part) for part in parts):
        return None
    return "/".join(parts)


def _plain(path: str) -> str | None:
    if "://" in path or "@" in path or " " in path or "/" not in path or _CONTROL.search(path):
        return None
    return path.lower()


def _bitbucket(path: str) -> str | None:
    if cloned := _CLONED.search(path):
        return f"{cloned['owner']}/{cloned['name']}"
    if browsed := _BROWSED.search(path):
        mark = "~" if browsed["kind"].lower() == "users" else ""
        return f"{mark}{browsed['owner']}/{browsed['name']}"
    return None


def _azure(host: str, parts: list[str]) -> list[str] | None:
    """Organisation, project (if told) and repository, where this is a remote of Azure DevOps."""
    if host in _AZURE_SSH and parts[0] == "v3":
        return _hosted(parts[1:])
    if "_git" not in parts:
        return None
    mark = parts.index("_git")
    before, after = parts[:mark], parts[mark + 1 :]
    if after and after[0] in _CLONE_MODES:
        after = after[1:]
    if host == _AZURE_CLOUD:
        return _hosted([*before, *after[:1]])
    if host.endswith(_AZURE_OLD):
        return _hosted([host.removesuffix(_AZURE_OLD), *before, *after[:1]])
    # A server of one's own lives below a path, by default this one.
    if len(before) > 1 and before[0].lower() == "tfs":
        before = before[1:]
    return [*before[-2:], *after[:1]]


def _hosted(parts: list[str]) -> list[str]:
    return [part for part in parts if part.lower() != _ONE_COLLECTION]


def _named(parts: list[str]) -> str | None:
    match parts:
        case [organisation, project, repository]:
            return azure_name(organisation, project, repository)
        case [organisation, repository]:
            return azure_name(organisation, repository, repository)
    return None
