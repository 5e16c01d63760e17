"""Which repositories of GitHub can be read: by a token, or by an App where it is installed."""

from collections.abc import Iterator, Sequence

import msgspec

from collector.client import Client
from collector.client_errors import NotAllowed, NotThere
from collector.forges.github_app import AppTokens
from collector.forges.github_facts import PROVIDER
from collector.forges.github_shapes import GitHubRepository, User
from collector.forges.reading import Count, read
from collector.source import Scope, readable, wanted_scope
from domain.repository import repository_name

_PAGE = {"per_page": 100}


class Installation(msgspec.Struct):
    """Where an App is installed, and what it may read there."""

    id: Count
    account: User | None = None
    permissions: dict[str, str] = {}
    suspended_at: str | None = None


def scopes(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    """Give the repositories that are wanted, or all that can be seen."""
    if isinstance(client.authorise, AppTokens):
        yield from _of_app(client, wanted)
    else:
        yield from _of_token(client, wanted)


def installations(client: Client) -> list[Installation]:
    """Where the App is installed and not suspended."""
    found = []
    for answer in client.pages("app/installations", _PAGE):
        found += [read(item, Installation, PROVIDER) for item in answer.items()]
    return [each for each in found if each.suspended_at is None]


def _of_app(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    for installation in installations(client):
        account = str(installation.id)
        acting = client.acting_for(account)
        for answer in acting.pages("installation/repositories", _PAGE):
            found = readable(answer.items("repositories"), GitHubRepository, PROVIDER, [])
            for told in found:
                if wanted_scope(told.full_name, wanted):
                    yield from _scope(told, account)


def _of_token(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    if not wanted:
        yield from _listed(client, "user/repos")
        return
    for name in dict.fromkeys(each.lower() for each in wanted):
        owner, _, rest = name.rpartition("/")
        if rest != "*":
            yield _named(client, name)
            continue
        try:
            yield from _listed(client, f"orgs/{owner}/repos")
        except NotThere:
            yield from _listed(client, f"users/{owner}/repos")


def _listed(client: Client, path: str) -> Iterator[Scope]:
    for answer in client.pages(path, _PAGE):
        for told in readable(answer.items(), GitHubRepository, PROVIDER, []):
            yield from _scope(told, "")


def _named(client: Client, name: str) -> Scope:
    try:
        told = read(client.get(f"repos/{name}").json(), GitHubRepository, PROVIDER)
    except (NotThere, NotAllowed):
        # Reading it says why it can't be read.
        return Scope(name=name)
    # GitHub leads from a name that was given up to the one of today.
    today = repository_name(told.full_name) or name
    before = name if today != name else None
    return Scope(name=today, default_branch=told.default_branch, before=before)


def _scope(told: GitHubRepository, account: str) -> Iterator[Scope]:
    name = repository_name(told.full_name)
    if name is not None:
        yield Scope(name=name, account=account, default_branch=told.default_branch)
