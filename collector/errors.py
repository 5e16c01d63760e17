"""Refusals at the collector's doors. Each carries a stable code and what to do about it.

CollectorError
├── Undecodable      the body is not what its content type says; sending it again cannot help
├── Unsupported      a content type or content coding that is not spoken here
├── TooLarge         more than a limit allows
├── UnknownPath      no path of OTLP, and the body does not tell its signal either
├── Unauthenticated  no access token, or one that does not work
├── Forbidden        an access token that may not do this
└── Unavailable      not now: the inbox is full or the database busy; the sender should retry
"""


class CollectorError(Exception):
    """A refusal with a stable ``code`` and a sentence for whoever configured the sender."""

    code = "collector_error"


class Undecodable(CollectorError):
    """400 / INVALID_ARGUMENT: can never succeed."""

    code = "not_otlp"


class Unsupported(CollectorError):
    """415 / INVALID_ARGUMENT: the sender has to be set to another type or coding."""

    code = "unsupported_encoding"


class TooLarge(CollectorError):
    """413 / RESOURCE_EXHAUSTED: more bytes, or more of anything else, than the limit."""

    code = "body_too_large"


class UnknownPath(CollectorError):
    """404 / NOT_FOUND."""

    code = "unknown_path"


class Unauthenticated(CollectorError):
    """401 / UNAUTHENTICATED."""

    code = "unauthenticated"


class Forbidden(CollectorError):
    """403 / PERMISSION_DENIED."""

    code = "forbidden"


class Unavailable(CollectorError):
    """503 / UNAVAILABLE: nothing was stored; retry after so many seconds."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
