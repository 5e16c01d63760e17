"""What calling a provider may end in.

ClientError
├── Unreachable      no answer, or only 5xx, however often it was tried
├── Limited          the server asks to wait for longer than we do
├── BadCredentials   401: the token is wrong or has ended
├── NotAllowed       403: the token may not read this
├── NotThere         404, 409, 410, 451: there is none, or the token may not know of it
├── Elsewhere        a redirect or link to another server, or an address that is not called
└── BadAnswer        any other status, no JSON, too large
"""


class ClientError(Exception):
    """A call that gave nothing; the message tells no token and nothing of a body."""

    code = "client_error"


class Unreachable(ClientError):
    """No answer, or only 5xx."""

    code = "unreachable"


class Limited(ClientError):
    """The server's limit is reached; ``seconds`` until it takes calls again, None if untold."""

    code = "limited"

    def __init__(self, seconds: float | None) -> None:
        super().__init__("the server's limit of calls is reached")
        self.seconds = seconds


class BadCredentials(ClientError):
    """401."""

    code = "bad_credentials"


class NotAllowed(ClientError):
    """403."""

    code = "not_allowed"


class NotThere(ClientError):
    """404, 409 (GitHub: an empty repository), 410 (switched off) or 451."""

    code = "not_there"


class Elsewhere(ClientError):
    """An address that is not called."""

    code = "elsewhere"


class BadAnswer(ClientError):
    """An answer that is none of the API's."""

    code = "bad_answer"
