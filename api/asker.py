"""Who asks: by a token, by the cookie of a sign-in, or on a server that is open to its machine.

Found out once a request and kept in ``request.state``; what they may do follows from it (``auth``,
``authority``), and whom they may see (``screen``).
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fastapi import Request

from api.wiring import ASKER, Wiring
from store import sight, sign_ins
from store.access import ALL_TEAMS, MAY_READ, Access, Role


class How(StrEnum):
    """How it is known who asks."""

    OPEN = "open"
    TOKEN = "token"  # noqa: S105  # a word, no secret
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whoever asks.

    ``id`` is that of the token or the sign-in; ``local`` where all is open. ``person`` is who they
    are, ``mine`` every pseudonym that stands for them, ``teams`` what they lead (``ALL_TEAMS``:
    every one). ``others`` are the people beside themselves whom they may see; None: everybody.
    ``ambient`` says that a browser sends this credential by itself, whichever page made it ask.
    """

    how: How
    id: str
    role: Role
    person: str | None = None
    mine: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    others: frozenset[str] | None = frozenset()
    expires_at: datetime | None = None
    ambient: bool = False

    @property
    def actor(self) -> str:
        """Who it is in the audit log."""
        return self.id if self.how is How.OPEN else f"{self.how.value}:{self.id}"

    def sees(self, person: str) -> bool:
        """Whether they may see who this is."""
        return self.others is None or person in self.others or person in self.mine


_LOCAL = Asker(how=How.OPEN, id="local", role=Role.ADMIN, others=None, ambient=True)


def asker(request: Request, wiring: Wiring) -> Asker | None:
    """Who asks; None where it is nobody we know. Raises StoreError where it can't be told."""
    state = request.scope.setdefault("state", {})
    if ASKER not in state:
        state[ASKER] = _found(request, wiring)
    found: Asker | None = state[ASKER]
    return found


def known(request: Request) -> Asker | None:
    """Who asks, where that was found out before."""
    found: Asker | None = request.scope.get("state", {}).get(ASKER)
    return found


def token(header: str | None) -> str | None:
    """The token of an Authorization header: Bearer, or the password of Basic."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        told = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return told.partition(":")[2] or None


def _found(request: Request, wiring: Wiring) -> Asker | None:
    if wiring.gate.check(None, MAY_READ) is Access.GRANTED:
        return _LOCAL
    header = request.headers.get("authorization")
    secret = token(header)
    if secret is not None:
        bearer = wiring.gate.bearer(secret)
        if bearer is None:
            return None
        ambient = (header or "").lower().startswith("basic")
        asking = Asker(
            how=How.TOKEN,
            id=bearer.id,
            role=bearer.role,
            person=bearer.person,
            teams=bearer.teams,
            expires_at=bearer.expires_at,
            ambient=ambient,
        )
        return _with_sight(asking, wiring)
    return _signed_in(request, wiring)


def _signed_in(request: Request, wiring: Wiring) -> Asker | None:
    door = wiring.doors.sign_in
    secret = request.cookies.get(door.cookie) if door else None
    if door is None or not secret:
        return None
    found = sign_ins.signed_in(wiring.database, secret, wiring.clock(), door.idle)
    if found is None:
        return None
    asking = Asker(
        how=How.SIGN_IN,
        id=found.id,
        role=found.role,
        person=found.person,
        teams=found.teams,
        expires_at=found.expires_at,
        ambient=True,
    )
    return _with_sight(asking, wiring)


def _with_sight(told: Asker, wiring: Wiring) -> Asker:
    """The same with whom they are and may see by now."""
    person, mine, teams, now = told.person, told.mine, told.teams, wiring.clock()
    everybody = told.role is Role.ADMIN or (told.role is Role.LEAD and ALL_TEAMS in teams)
    others: frozenset[str] | None = None if everybody else frozenset()
    if person is not None or (told.role is Role.LEAD and not everybody):
        with wiring.database.reading() as connection:
            if person is not None:
                person, mine = sight.whole_person(connection, person)
            if told.role is Role.LEAD and not everybody:
                if person is not None:
                    teams |= sight.teams_led(connection, person, now)
                others = sight.people_of_teams(connection, teams, now)
    return Asker(
        how=told.how,
        id=told.id,
        role=told.role,
        person=person,
        mine=mine,
        teams=teams,
        others=others,
        expires_at=told.expires_at,
        ambient=told.ambient,
    )
