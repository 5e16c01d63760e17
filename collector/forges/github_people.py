"""Who did it on GitHub: the identities that an account or a commit's author tells."""

import re
from collections.abc import Iterator

from collector.forges.github_shapes import CommitAuthor, User
from domain.people import SamePerson, Strength
from domain.pseudonym import Pseudonyms
from domain.work import Actor

# Both stand for GitHub itself, which commits what is done in the browser.
_WEB_FLOW_LOGIN = "web-flow"
_WEB_FLOW_EMAIL = "noreply@github.com"
_BOT_SUFFIX = "[bot]"
# With the account's number since July 2017, without it before.
_NOREPLY = re.compile(
    r"\A(?:[0-9]+\+)?(?P<login>[a-z0-9_-]+(?:\[bot\])?)@users\.noreply\.github\.com\Z",
    re.IGNORECASE,
)


def actor(told: User | None, pseudonyms: Pseudonyms) -> Actor:
    """Give the account as an actor; nobody where it is gone."""
    if told is None:
        return Actor(identities=())
    names = tuple(_names(told.login, told.email))
    return _named(names, pseudonyms, bot=told.type == "Bot")


def commit_author(told: CommitAuthor, pseudonyms: Pseudonyms) -> Actor:
    """Give a commit's author with their display name; a bot's is a bot's."""
    names = tuple(_names(told.username, told.email))
    name = (told.name or "").strip()
    return _named(names, pseudonyms, bot=name.endswith(_BOT_SUFFIX), name=name)


def same_person(told: CommitAuthor, pseudonyms: Pseudonyms) -> SamePerson | None:
    """Say that an account and an address are one person's, where GitHub does; not of bots."""
    names = dict(_names(told.username, told.email))
    login, email = names.get("login"), names.get("email")
    if not login or not email or login.endswith(_BOT_SUFFIX):
        return None
    return SamePerson(
        one=pseudonyms("login", login),
        other=pseudonyms("email", email),
        strength=Strength.STRONG,
        source="github",
    )


def _named(
    names: tuple[tuple[str, str], ...], pseudonyms: Pseudonyms, *, bot: bool, name: str = ""
) -> Actor:
    bot = bot or any(kind == "login" and told.endswith(_BOT_SUFFIX) for kind, told in names)
    return Actor(
        identities=tuple(dict.fromkeys(pseudonyms(kind, told) for kind, told in names)),
        bot=bot,
        name=pseudonyms("name", name) if name and names and not bot else None,
    )


def _names(login: str | None, email: str | None) -> Iterator[tuple[str, str]]:
    """Give kind and value of each identity told; a private e-mail address holds the login too."""
    if login and login != _WEB_FLOW_LOGIN:
        yield "login", login
    # Git takes anything for an address; what is none would make one person of many.
    if email and "@" in email and email != _WEB_FLOW_EMAIL:
        yield "email", email
        if private := _NOREPLY.match(email):
            yield "login", private["login"]
