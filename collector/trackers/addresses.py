"""Changes and commits by their addresses on the web, as trackers keep them."""

import re

from domain.repository import repository_name

# GitHub and Gitea, GitLab (whose groups nest), Bitbucket Cloud, Bitbucket Data Center.
_CHANGE = re.compile(
    r"\Ahttps?://[^/?#\s]{1,255}/(?:"
    r"(?P<github>[^/?#\s]{1,100}/[^/?#\s]{1,100})/pulls?/(?P<pull>[1-9][0-9]{0,8})"
    r"|(?P<gitlab>[^?#\s]{1,400}?)/-/merge_requests/(?P<merge>[1-9][0-9]{0,8})"
    r"|(?P<cloud>[^/?#\s]{1,100}/[^/?#\s]{1,100})/pull-requests/(?P<request>[1-9][0-9]{0,8})"
    r"|(?:[^?#\s]{1,100}/)?projects/(?P<project>[^/?#\s]{1,100})/repos/(?P<slug>[^/?#\s]{1,100})"
    r"/pull-requests/(?P<numbered>[1-9][0-9]{0,8})"
    r")(?:[/?#]|\Z)",
    re.IGNORECASE,
)


def change_at(url: str) -> tuple[str, int] | None:
    """The repository and number of the change at this address; None where it is none."""
    found = _CHANGE.match(url)
    if found is None:
        return None
    path = found["github"] or found["gitlab"] or found["cloud"]
    name = repository_name(path or f"{found['project']}/{found['slug']}")
    number = found["pull"] or found["merge"] or found["request"] or found["numbered"]
    return None if name is None else (name, int(number))
