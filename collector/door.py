"""Who sends: the keys that a request shows, and whether one of them opens the gate.

A tool sets the headers it can set, and a gateway in between may need one of them for itself. So
every header that may carry a key is tried.
"""

from collections.abc import Iterator, Mapping

from store.access import MAY_SEND, Access, Gate

# Some tools set any header but no Authorization.
_PLAIN = (b"x-assay-key", b"x-api-key")


def knock(gate: Gate, headers: Mapping[bytes, bytes]) -> tuple[Access, str | None]:
    """Whether whoever sent these headers may send, and the id of the key that stamps it.

    Names are in lower case. Raises StoreError where the tokens can't be read now.
    """
    answer = gate.admit(None, MAY_SEND)
    for secret in _shown(headers):
        told = gate.admit(secret, MAY_SEND)
        if told[0] is Access.GRANTED:
            return told
        if told[0] is Access.FORBIDDEN:
            answer = told
    return answer


def _shown(headers: Mapping[bytes, bytes]) -> Iterator[str]:
    for name in _PLAIN:
        secret = headers.get(name, b"").strip()
        if secret:
            yield secret.decode("latin-1")
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer" and token.strip():
        yield token.strip().decode("latin-1")
