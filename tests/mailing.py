"""A real mail server for tests, and the settings to send through it."""

from asyncio.base_events import Server
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller

from assay.smtp_settings import SmtpSettings, Tls


@dataclass
class Mailbox:
    """A mail server: what it took, and how it answers."""

    port: int = 0
    taken: list[tuple[Sequence[str], Message]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        self.taken.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 taken"


class _AnyPort(Controller):
    """Port 0 is any free one: which, is known once the server is there."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mail_server(**more: Any) -> Iterator[Mailbox]:
    """A mail server on this machine, with what aiosmtpd calls its options."""
    box = Mailbox()
    controller = _AnyPort(box, hostname="127.0.0.1", port=0, **more)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


def smtp(box: Mailbox, **more: Any) -> SmtpSettings:
    """Settings that send to it, without encryption unless they say so."""
    told = {"host": "127.0.0.1", "port": box.port, "tls": Tls.NONE, "timeout_seconds": 5}
    return SmtpSettings(**{**told, **more})
