"""What a forge module may refuse."""

from collector.errors import CollectorError


class UnreadablePayload(CollectorError):
    """A used event whose payload lacks what it must have; sending it again cannot help.

    ``code`` is ``unreadable_field``, ``unknown_value`` or ``bad_repository``. The message names
    the field and never repeats what stood in it.
    """

    code = "unreadable_payload"

    def __init__(self, code: str, message: str) -> None:
        """Keep the code; the message is the exception's own."""
        super().__init__(message)
        self.code = code
