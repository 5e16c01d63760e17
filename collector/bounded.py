"""How long a word may be that a record makes us keep: a name, an id, a branch.

Sessions, models and branches are looked up by such words, and no index holds words of any length:
PostgreSQL refuses a row of more than 2,704 bytes in one, which may hold two or three words. What
is longer than any honest word is kept by its beginning and a hash, so that different words stay
different and nothing of the record is lost.
"""

from hashlib import blake2b

from msgspec.structs import replace

from domain.events import Counted, Fact, RequestAnswered, RequestFailed, Traced

LONGEST_BYTES = 512
"""Of a word in UTF-8. Git keeps branches in files, whose names and paths have some 255 bytes."""

# As many characters have no more bytes than that, whichever they are.
_SURELY_SHORT = LONGEST_BYTES // 4
_HASH_BYTES = 8
_MARK = "…"
_BEGINNING_BYTES = LONGEST_BYTES - len(_MARK.encode()) - 2 * _HASH_BYTES


def bounded(word: str) -> str:
    """This word, or its beginning and a hash of all of it where it is too long to keep."""
    if len(word) <= _SURELY_SHORT:
        return word
    told = word.encode(errors="replace")
    if len(told) <= LONGEST_BYTES:
        return word
    beginning = told[:_BEGINNING_BYTES].decode(errors="ignore")
    return f"{beginning}{_MARK}{blake2b(told, digest_size=_HASH_BYTES).hexdigest()}"


def bounded_facts(stated: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """The same facts, of which every word is bounded: nearly always these very ones."""
    for fact in stated:
        if _longest(fact) > _SURELY_SHORT:
            return tuple(map(_bounded_fact, stated))
    return stated


def _longest(fact: Fact) -> int:
    if type(fact) is RequestAnswered:
        return len(fact.model or "")
    if type(fact) is Counted:
        return max(len(fact.item), len(fact.model or ""))
    return len((fact.value if isinstance(fact, Traced) else fact.model) or "")


def _bounded_fact(fact: Fact) -> Fact:
    if isinstance(fact, Traced):
        return replace(fact, value=bounded(fact.value))
    model = None if fact.model is None else bounded(fact.model)
    if isinstance(fact, Counted):
        return replace(fact, item=bounded(fact.item), model=model)
    if isinstance(fact, RequestAnswered | RequestFailed):
        return replace(fact, model=model)
    return fact
