"""Connections as uvicorn serves them, bounded where it leaves them without a bound."""

from asyncio import Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Of one request's line and headers together. Node and nginx take 16 KiB and 32 KiB.
_HEAD_BYTES = 64 * 1024


class BoundedConnection(HttpToolsProtocol):
    """One that ends when its sender is silent before the first request, or in a request's head.

    A head that does not end is refused before it fills memory.
    """

    _in_head = False
    _head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wait no longer for the first request than for any other."""
        super().connection_made(transport)
        self._expect_more()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; then, if the head still goes on, see how long it has become."""
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > _HEAD_BYTES:
            self.send_400_response("The request's headers are too large.")
        else:
            self._expect_more()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """From here on the application sees to the bounds."""
        self._in_head = False
        super().on_headers_complete()

    def _expect_more(self) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
