"""Links by which a recipient ends their digests: signed, and without their address in it.

Who has the link may do it, and nobody else can make one. It holds the pseudonym of the address,
which tells nothing outside this installation, and a signature by a key of its own.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

PATH = "/digest/unsubscribe"
_PREFIX = "p_"
_IDENTITY_BYTES, _SIGNATURE_BYTES = 10, 16
_BYTES = _IDENTITY_BYTES + _SIGNATURE_BYTES


class Unsubscribing:
    """Makes and reads the tokens of one installation, by the key of its pseudonyms."""

    def __init__(self, pseudonym_key: bytes) -> None:
        self._key = blake2b(b"unsubscribe", key=pseudonym_key, digest_size=32).digest()

    def token(self, identity: str) -> str:
        """What a link for the recipient of this pseudonym holds."""
        told = bytes.fromhex(identity.removeprefix(_PREFIX))
        return urlsafe_b64encode(told + self._signature(told)).decode().rstrip("=")

    def identity(self, token: str) -> str | None:
        """Whose link a token is of; None where it is none of ours."""
        try:
            told = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            return None
        identity, signature = told[:_IDENTITY_BYTES], told[_IDENTITY_BYTES:]
        if len(told) != _BYTES or not hmac.compare_digest(signature, self._signature(identity)):
            return None
        return _PREFIX + identity.hex()

    def message_id(self, identity: str, *told: str) -> str:
        """A name of a message to this recipient, the same whenever it is made of the same."""
        text = "\0".join((identity, *told))
        return blake2b(text.encode(), key=self._key, digest_size=_SIGNATURE_BYTES).hexdigest()

    def _signature(self, told: bytes) -> bytes:
        return blake2b(told, key=self._key, digest_size=_SIGNATURE_BYTES).digest()
