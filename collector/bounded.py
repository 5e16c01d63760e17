"""How long a word may be that a record makes us keep: a name, an id, a branch.

Sessions, models and branches are looked up by such words, and no index holds words of any length:
PostgreSQL refuses a row of more than 2,704 bytes in one, which may hold two or three words. What
is longer than any honest word is kept by its beginning and a hash, so that different words stay
different and nothing of the record is lost.
"""

from hashlib import blake2b

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
