"""Content-Encoding of a request, undone without trusting it: a bomb costs no memory."""

from collections.abc import Callable

from isal import isal_zlib

from collector.errors import CollectorError, Undecodable


class TooLarge(CollectorError):
    """413 / RESOURCE_EXHAUSTED: more bytes than the limit."""

    code = "body_too_large"


_GZIP, _ZLIB, _RAW = 31, 15, -15
# Each costs a copy of the rest; exporters write one, a gateway that joins bodies a few.
_MEMBERS = 64


def inflate(coding: str, body: bytes, limit: int) -> bytes:
    """The body without its content coding; Undecodable or TooLarge."""
    if coding in ("", "identity"):
        return body
    reader = _READERS.get(coding)
    if reader is None:
        raise Undecodable(f"content-encoding {coding!r} is not supported: use gzip or none")
    return reader(body, limit)


def _gzip(body: bytes, limit: int) -> bytes:
    """A gzip stream may consist of several members, one after another."""
    whole = bytearray()
    for _ in range(_MEMBERS):
        unpacked, body = _unpack(body, limit, _GZIP, len(whole))
        whole += unpacked
        if not body:
            return bytes(whole)
    raise Undecodable(f"the compressed body has more than {_MEMBERS} members")


def _deflate(body: bytes, limit: int) -> bytes:
    """Deflate means zlib by the specification, and a raw stream from some senders."""
    try:
        return _only(body, limit, _ZLIB)
    except Undecodable:
        return _only(body, limit, _RAW)


def _only(body: bytes, limit: int, window: int) -> bytes:
    unpacked, rest = _unpack(body, limit, window)
    if rest:
        raise Undecodable("the compressed body goes on after its end")
    return unpacked


def _unpack(body: bytes, limit: int, window: int, held: int = 0) -> tuple[bytes, bytes]:
    """The first stream's content, and what follows the stream; ``held`` counts to the limit."""
    reader = isal_zlib.decompressobj(wbits=window)
    try:
        unpacked = reader.decompress(body, limit - held + 1)
    except isal_zlib.error as error:  # type: ignore[misc]  # its stub calls the class a value
        raise Undecodable("the body is not of its content-encoding") from error
    if held + len(unpacked) > limit:
        raise TooLarge(f"the body unpacks to more than {limit} bytes")
    if not reader.eof:
        raise Undecodable("the compressed body is cut short")
    return unpacked, reader.unused_data


_READERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
}
