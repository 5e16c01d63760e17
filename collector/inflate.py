"""Content-Encoding of a request, undone without trusting it: a bomb costs no memory."""

from collections.abc import Callable

import zstandard
from isal import isal_zlib

from collector.errors import TooLarge, Undecodable, Unsupported

_GZIP, _ZLIB, _RAW = 31, 15, -15
# Each costs a copy of the rest; exporters write one, a gateway that joins bodies a few.
_MEMBERS = 64
# RFC 9659: a decoder of this content coding need not keep more, and an encoder may not ask for it.
_ZSTD_WINDOW = 8 * 1024 * 1024
# RFC 8878: the shortest block has four bytes, the longest content of a block is 128 KiB.
_ZSTD_GROWTH = 32 * 1024
_ZSTD_PIECE = 64


def inflate(coding: str, body: bytes, limit: int) -> bytes:
    """The body without its content coding; Unsupported, Undecodable or TooLarge."""
    if not coding and len(body) <= limit:
        return body
    named = [each.strip() for each in coding.lower().split(",")]
    codings = [each for each in named if each not in ("", "identity")]
    if not codings:
        if len(body) > limit:
            raise _too_large(limit)
        return body
    reader = _READERS.get(codings[0]) if len(codings) == 1 else None
    if reader is None:
        raise Unsupported(f"content-encoding {coding!r} is not supported: use gzip, zstd or none")
    return reader(body, limit)


def _gzip(body: bytes, limit: int) -> bytes:
    """A gzip stream may consist of several members, one after another."""
    unpacked, body = _unpack(body, limit, _GZIP)
    if not body:
        return unpacked
    whole = bytearray(unpacked)
    for _ in range(_MEMBERS - 1):
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
        raise _too_large(limit)
    if not reader.eof:
        raise Undecodable("the compressed body is cut short")
    return unpacked, reader.unused_data


def _zstd(body: bytes, limit: int) -> bytes:
    """A body of one or more frames, fed by pieces none of which can unpack to much.

    The library has no bound for what one call gives back.
    """
    if not body:
        raise Undecodable("the compressed body is cut short")
    piece = max(limit // _ZSTD_GROWTH // 4, _ZSTD_PIECE)
    whole = bytearray()
    frames = start = 0
    while start < len(body):
        frames += 1
        if frames > _MEMBERS:
            raise Undecodable(f"the compressed body has more than {_MEMBERS} frames")
        start = _frame(body, start, piece, whole, limit)
    return bytes(whole)


def _frame(body: bytes, start: int, piece: int, whole: bytearray, limit: int) -> int:
    """Append the content of the frame that starts there; where the frame ends."""
    reader = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
    while not reader.eof:
        part = body[start : start + piece]
        if not part:
            raise Undecodable("the compressed body is cut short")
        try:
            whole += reader.decompress(part)
        except zstandard.ZstdError as error:
            raise Undecodable("the body is not of its content-encoding") from error
        if len(whole) > limit:
            raise _too_large(limit)
        start += len(part)
    return start - len(reader.unused_data)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body unpacks to more than {limit} bytes")


_READERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
CODINGS = ("gzip", "deflate", "zstd")
