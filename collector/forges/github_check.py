"""What ``assay connect github`` looks at: who the token is, what it sees, what it may not read."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from collector.client import Client
from collector.client_errors import ClientError, NotAllowed, NotThere
from collector.forges.github_app import AppTokens
from collector.forges.github_scopes import installations, scopes
from collector.source import Finding, Scope

# Enough to notice that a permission is missing; each costs a handful of calls.
_LOOKED_AT = 3
_PERMISSIONS: Mapping[str, tuple[str, str]] = {
    "Pull requests": ("pulls", "pull_requests"),
    "Contents": ("commits", "contents"),
    "Issues": ("issues", "issues"),
    "Deployments": ("deployments", "deployments"),
    "Checks": ("commits/HEAD/check-runs", "checks"),
    "Commit statuses": ("commits/HEAD/status", "statuses"),
}
_NEEDED = "Pull requests"


def check(client: Client, wanted: Sequence[str]) -> Iterator[Finding]:
    """Look at the credentials, then at some of the repositories. Raises ClientError."""
    if isinstance(client.authorise, AppTokens):
        yield from _app(client)
    else:
        yield _token(client)
    seen = list(scopes(client, wanted))
    if not seen:
        yield Finding(
            ok=False,
            text="It sees no repository.",
            advice="Give the token access to repositories, or install the App on them.",
        )
        return
    names = ", ".join(scope.name for scope in seen[:_LOOKED_AT])
    more = f" and {len(seen) - _LOOKED_AT} more" if len(seen) > _LOOKED_AT else ""
    yield Finding(ok=True, text=f"It sees {names}{more}.")
    for scope in islice(seen, _LOOKED_AT):
        yield from _repository(client.acting_for(scope.account), scope)


def _app(client: Client) -> Iterator[Finding]:
    found = installations(client)
    if not found:
        yield Finding(
            ok=False, text="The App is installed nowhere.", advice="Install it on the organisation."
        )
    for installation in found:
        where = installation.account.login if installation.account else installation.id
        yield Finding(ok=True, text=f"The App is installed on {where}.")
        for permission, (_, name) in _PERMISSIONS.items():
            if name not in installation.permissions:
                yield _missing(permission, f"on {where}")


def _token(client: Client) -> Finding:
    answer = client.get("user")
    told = answer.json()
    login = told.get("login", "?") if isinstance(told, dict) else "?"
    ends = answer.headers.get("github-authentication-token-expiration")
    return Finding(ok=True, text=f"The token is {login}'s{f' and ends {ends}' if ends else ''}.")


def _repository(client: Client, scope: Scope) -> Iterator[Finding]:
    for permission, (path, _) in _PERMISSIONS.items():
        try:
            client.get(f"repos/{scope.name}/{path}", {"per_page": 1})
        except NotAllowed:
            yield _missing(permission, f"of {scope.name}")
        except NotThere:
            if permission == _NEEDED:
                yield _missing(permission, f"of {scope.name}")
        except ClientError as error:
            yield Finding(ok=False, text=f"{permission} of {scope.name}: {error}")


def _missing(permission: str, where: str) -> Finding:
    return Finding(
        ok=permission != _NEEDED,
        text=f"{permission} {where} can't be read.",
        advice=f"Give it the permission {permission}: Read-only.",
    )
