"""Keyed one-way names for people, installations, calls and files.

The same value gives the same name within one installation of Tokenassay and tells nothing outside
it: a telemetry e-mail and a commit author's e-mail can be compared without either being stored.
"""

from functools import lru_cache
from hashlib import blake2b
from unicodedata import normalize

from domain.paths import endings

_PREFIX = {
    "email": "p_",
    "account": "p_",
    "enduser": "p_",
    # Logins of GitHub; those of another forge may be another person's.
    "login": "p_",
    "gitlab_login": "p_",
    "gitlab_id": "p_",
    "bitbucket_login": "p_",
    "azure_login": "p_",
    "gitea_login": "p_",
    "jira_account": "p_",
    "linear_account": "p_",
    "name": "p_",
    "person": "p_",
    "installation": "i_",
    "address": "a_",
    "call": "c_",
}
_CASELESS = frozenset({"email", *(kind for kind in _PREFIX if kind.endswith("login"))})
_SPOKEN = frozenset({"name", "person"})
_FILE = "f_"
# Hex digits for each component: two different files of one session agree once in four billion.
_WIDTH = 8
# To make a name takes microseconds; to remember many takes megabytes.
_REMEMBERED = 8_192


class Pseudonyms:
    """Makes pseudonyms with one installation's secret key (16 to 64 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._named = lru_cache(maxsize=_REMEMBERED)(self._name)
        self._filed = lru_cache(maxsize=_REMEMBERED)(self._file)

    def __call__(self, kind: str, value: str) -> str:
        """A stable name for this value.

        E-mails and logins are compared without case, names of people without case and however
        their words are spaced.
        """
        if kind in _CASELESS:
            value = value.strip().lower()
        elif kind in _SPOKEN:
            value = " ".join(normalize("NFKC", value).casefold().split())
        return self._named(kind, value)

    def _name(self, kind: str, value: str) -> str:
        digest = blake2b(f"{kind}\0{value}".encode(), key=self._key, digest_size=10)
        return _PREFIX[kind] + digest.hexdigest()

    def file(self, path: str) -> str | None:
        """A name for a path that can be compared with paths told from another root.

        ``f_`` and eight hex digits for the last component, eight for the last two, and so on up to
        six: names of paths that end alike begin alike (see ``components_shared``), and an index
        over names finds them. None where it is no path.
        """
        return self._filed(path)

    def _file(self, path: str) -> str | None:
        parts = [
            blake2b(
                f"file\0{ending}".encode(errors="surrogatepass"),
                key=self._key,
                digest_size=_WIDTH // 2,
            ).hexdigest()
            for ending in endings(path)
        ]
        return _FILE + "".join(parts) if parts else None


def file_endings(file: str) -> list[str]:
    """The names of all endings of a file's path, the file's own last: what an index holds."""
    return [file[:end] for end in range(len(_FILE) + _WIDTH, len(file) + 1, _WIDTH)]


def components_shared(one: str, other: str) -> int:
    """By how many components two files (named by ``Pseudonyms.file``) are the same; 0: they differ.

    They are the same where one path ends with the other, the longer the surer: by one component
    they only share a file name. Of deep paths the last six components are compared.
    """
    shorter, longer = sorted((one, other), key=len)
    return (len(shorter) - len(_FILE)) // _WIDTH if longer.startswith(shorter) else 0
