"""What an ingest key says of its sender, put to what the telemetry says itself.

The key stands behind the record and its resource and fills what both leave open: team, repository,
branch, ticket. Its user goes before theirs: a key is handed out by the operator, an attribute can
be set by anybody.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from msgspec.structs import replace

from collector.sender import Sender, sender_of
from domain.events import Context, Observation, Origin, Trace, Traced
from domain.pseudonym import Pseudonyms
from domain.record import Scope
from domain.stamp import Stamp

_OriginOf = Callable[[Origin, tuple[Traced, ...]], Origin]

# How pseudonyms of machines begin; all others name people.
_MACHINE = "i_"
# What belongs to one repository and says nothing of another.
_LOCAL = frozenset({Trace.REPOSITORY, Trace.BRANCH})


def stamped(
    observations: Iterable[Observation], stamp: Stamp, pseudonyms: Pseudonyms
) -> list[Observation]:
    """These observations with what their key says."""
    origin_of = _origins(stamp, pseudonyms)
    return [_stamped(observation, origin_of) for observation in observations]


def said(attributes: Iterable[tuple[str, str]], pseudonyms: Pseudonyms) -> Sender:
    """What these attributes of a key say: the same as on a resource."""
    return sender_of({}, Scope("", "", dict(attributes)), None, pseudonyms)


def person(told: str, pseudonyms: Pseudonyms) -> str:
    """The pseudonym of a key's user: a mail address, or whatever else names a person.

    The same as where telemetry names them by ``user.email`` or ``enduser.id``.
    """
    return pseudonyms("email" if "@" in told else "enduser", told)


def _stamped(observation: Observation, origin_of: _OriginOf) -> Observation:
    # What the record itself ties to the outside goes before the key just as its sender's ties do.
    ties = tuple(fact for fact in observation.stated if isinstance(fact, Traced))
    if not ties:
        return replace(observation, origin=origin_of(observation.origin, ()))
    others = tuple(fact for fact in observation.stated if not isinstance(fact, Traced))
    return replace(observation, origin=origin_of(observation.origin, ties), stated=others)


@lru_cache(maxsize=4096)
def _origins(stamp: Stamp, pseudonyms: Pseudonyms) -> _OriginOf:
    """Origins with a key of this stamp; worked out once for each, not once for a record."""
    key = said(stamp.attributes, pseudonyms)
    of_key = "\0".join((stamp.user or "", *(f"{name}={v}" for name, v in stamp.attributes)))

    @lru_cache(maxsize=1024)
    def origin(of: Origin, stated: tuple[Traced, ...]) -> Origin:
        ties = (*stated, *of.ties)
        context, fitting = _filled(of.context, ties, key)
        installation = of.installation
        if not _names_machine(installation, ties):
            # Otherwise all that tell nothing of themselves would be one installation.
            installation = pseudonyms("installation", f"{of_key}\0{installation}")
        if stamp.user is not None:
            context = replace(context, user=stamp.user)
            identity = Traced(trace=Trace.IDENTITY, value=stamp.user)
            ties = (*(tie for tie in ties if not _names_person(tie)), identity)
        return replace(of, context=context, installation=installation, ties=(*ties, *fitting))

    return origin


def _filled(
    context: Context, ties: tuple[Traced, ...], key: Sender
) -> tuple[Context, tuple[Traced, ...]]:
    """The context with what it lacks, and the ties of the key that fit beside the record's own."""
    named = {tie.trace for tie in ties}
    settled = context.repo is not None or Trace.REPOSITORY in named
    if settled and key.context.repo not in (None, context.repo):
        named |= _LOCAL
    filled = replace(
        context,
        team=context.team or key.context.team,
        repo=context.repo if settled else key.context.repo,
    )
    return filled, tuple(tie for tie in key.traces if tie.trace not in named)


def _names_person(tie: Traced) -> bool:
    return tie.trace is Trace.IDENTITY and not tie.value.startswith(_MACHINE)


def _names_machine(installation: str, ties: tuple[Traced, ...]) -> bool:
    """Whether the installation is a machine's own, which then is among the identities."""
    return any(tie.trace is Trace.IDENTITY and tie.value == installation for tie in ties)
