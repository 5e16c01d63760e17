"""Who and what a record speaks for: user, team, repository, branch, ticket.

Attributes of the record win over those of its resource (some tools put a stale session or user on
the resource). Operators set the others through ``OTEL_RESOURCE_ATTRIBUTES``, and whoever does a
task again for an evaluation sets three of ours there (docs/evaluations.md).
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from msgspec import structs

from collector.attributes import remembered
from collector.bounded import bounded
from domain.events import Context, Origin, Source, Trace, Traced
from domain.pseudonym import Pseudonyms
from domain.record import Attributes, Scope, text
from domain.repository import repository_name

# The strongest identity first: a mail address names a person, an installation id a machine.
# The last of these, of the team too, are what LiteLLM's proxy knows of the key that was used.
_EMAIL = (
    "user.email",
    "gen_ai.user.email",
    "cursor.user.email",
    "metadata.user_api_key_user_email",
)
_ENDUSER = ("enduser.id", "gen_ai.user.id", "enduser.pseudo.id")
_ACCOUNT = ("user.account_uuid", "user.account_id", "organization.user.id")
_INSTALLATION = ("user.id", "installation.id")
_TEAM = (
    "team",
    "team.id",
    "team.name",
    "department",
    "cost_center",
    "metadata.user_api_key_team_alias",
)
_REPO = (
    "vcs.repository.url.full",
    "vcs.repository.name",
    "repository",
    "repo",
    "repo.name",
    "git.repository",
)
_BRANCH = ("vcs.ref.head.name", "branch", "git.branch")
_TICKET = ("ticket.id", "ticket", "issue.id")
_OWNER = "repo.owner"
_EVALUATION = ("assay.evaluation", "assay.route", "assay.task")
# What of an evaluation is kept is kept as it was told: only what looks like our own words.
_TAG = re.compile(r"[a-z0-9]{1,16}/[A-Za-z0-9._:+-]{1,64}/[0-9]{1,4}")
PERSON = (*_EMAIL, *_ENDUSER, *_ACCOUNT, *_INSTALLATION)
"""Attributes that name a person, or the machine of one."""
_WANTED = (_EMAIL, _ENDUSER, _ACCOUNT, _INSTALLATION, _TEAM, _REPO, _BRANCH, _TICKET)
SENT = (*_WANTED, *((name,) for name in (_OWNER, *_EVALUATION)))
"""What may tell something of the sender: of each group the first that a record or resource has."""
SENDER = tuple(name for names in SENT for name in names)
"""All of these attributes."""

_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Sender:
    """Context, installation and ties to the outside that one record's attributes give."""

    context: Context
    installation: str
    traces: tuple[Traced, ...]
    _origins: dict[tuple[str, str | None, Source, int, str | None], Origin] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def origin(
        self,
        tool: str,
        session_id: str | None,
        source: Source,
        rank: int,
        tier: str | None = None,
    ) -> Origin:
        """This sender in a session; the same object again and again.

        ``tier`` is that of a model request where it is not the standard one.
        """
        key = (tool, session_id, source, rank, tier)
        origin = self._origins.get(key)
        if origin is None:
            if len(self._origins) >= _REMEMBERED:
                self._origins.clear()
            session = None if session_id is None else bounded(session_id)
            context = self.context if tier is None else structs.replace(self.context, tier=tier)
            origin = self._origins[key] = Origin(
                tool, session, self.installation, source, rank, context, self.traces
            )
        return origin


@remembered(*SENDER)
def sender_of(
    attributes: Attributes, scope: Scope, version: str | None, pseudonyms: Pseudonyms
) -> Sender:
    """Read the sender from a record's attributes and its resource."""
    told = tuple(text(attributes, *names) or text(scope.resource, *names) for names in _WANTED)
    owner = text(attributes, _OWNER) or text(scope.resource, _OWNER)
    tag = "/".join(
        text(attributes, name) or text(scope.resource, name) or "" for name in _EVALUATION
    )
    return _sender(told, owner, version, tag if _TAG.fullmatch(tag) else None, pseudonyms)


@lru_cache(maxsize=2048)
def _sender(
    told: tuple[str | None, ...],
    owner: str | None,
    version: str | None,
    tag: str | None,
    pseudonyms: Pseudonyms,
) -> Sender:
    email, enduser, account, machine, team, repo, branch, ticket = told
    identities = [
        pseudonyms(kind, value)
        for kind, value in (
            ("email", email),
            # Operators are told to put a mail address there: it is then compared as one.
            ("email" if enduser and "@" in enduser else "enduser", enduser),
            ("account", account),
        )
        if value
    ]
    if machine:
        identities.append(pseudonyms("installation", machine))
    repository = repository_name(f"{owner}/{repo}" if owner and repo and "/" not in repo else repo)
    traces = [Traced(trace=Trace.IDENTITY, value=identity) for identity in identities]
    for trace, value in (
        (Trace.REPOSITORY, repository),
        (Trace.BRANCH, branch),
        (Trace.TICKET, ticket),
        (Trace.TOOL_VERSION, version),
        (Trace.EVALUATION, tag),
    ):
        if value:
            traces.append(Traced(trace=trace, value=value))
    # The machine if told, since one process may name its user in logs and not in metrics; otherwise
    # the user, or whatever is left of who sent it.
    rest = "\0".join(value or "" for value in told)
    user = identities[0] if identities else None
    named = repository or _plain(repo)
    return Sender(
        context=Context(
            tool_version=version and bounded(version),
            user=user,
            team=team and bounded(team),
            repo=named and bounded(named),
        ),
        installation=pseudonyms("installation", machine)
        if machine
        else user or pseudonyms("installation", rest),
        traces=tuple(traces),
    )


def _plain(repo: str | None) -> str | None:
    """A repository named by a single word; anything else may hold an address or a credential."""
    return repo if repo and not set(repo) & set("/:@ ") else None
