"""The one socket: asyncio UDP, the only I/O of this package."""

import asyncio
from collections.abc import Callable
from typing import cast

from ssv_discv5.endpoint import Endpoint


class UdpSocket(asyncio.DatagramProtocol):
    """Datagrams in by a callback, out by `send`; what cannot be sent at once is lost, as UDP may lose anything."""

    def __init__(self, received: Callable[[bytes, Endpoint], None]) -> None:
        self._received = received
        self._transport: asyncio.DatagramTransport | None = None
        self._full = False

    @classmethod
    async def open(cls, host: str, port: int, received: Callable[[bytes, Endpoint], None]) -> "UdpSocket":
        """Bind; port 0 takes a free one. Raises OSError."""
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_datagram_endpoint(lambda: cls(received), local_addr=(host, port))
        return socket

    @property
    def bound(self) -> Endpoint:
        """Return where it listens."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return Endpoint.of(host, port)

    def send(self, endpoint: Endpoint, datagram: bytes) -> None:
        """Send a datagram, or drop it when the system does not keep up."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._full:
            return
        transport.sendto(datagram, (str(endpoint.ip), endpoint.port))

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio's callback)."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own class does not derive from it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Pass a datagram on (asyncio's callback)."""
        self._received(data, Endpoint.of(addr[0], addr[1]))

    def pause_writing(self) -> None:
        """Drop from now on (asyncio's callback)."""
        self._full = True

    def resume_writing(self) -> None:
        """Send again (asyncio's callback)."""
        self._full = False

    def error_received(self, exc: Exception) -> None:
        """Ignore what ICMP reports: it is not authenticated; silence is what counts (asyncio's callback)."""
