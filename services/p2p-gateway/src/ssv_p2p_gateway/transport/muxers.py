"""Which muxers are offered: Yamux of our own, and py-libp2p's mplex for who has nothing better."""

from __future__ import annotations

from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.stream_muxer.mplex.mplex import MPLEX_PROTOCOL_ID, Mplex
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream

from ssv_p2p_gateway.transport.connection import Connection, Meter

YAMUX, MPLEX = TProtocol("/yamux/1.0.0"), TProtocol(MPLEX_PROTOCOL_ID)


class Muxers(MuxerMultistream):
    """Negotiates the muxer, and believes the table: the library's own takes its own Yamux whatever that says."""

    def __init__(self, meter: Meter) -> None:
        super().__init__({YAMUX: Connection, MPLEX: Mplex})
        self._meter = meter

    async def new_conn(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        """Return the muxed connection."""
        protocol, muxer = await self._selector.select(conn, conn.is_initiator, self.negotiate_timeout)
        muxed = Connection(conn, peer_id, self._meter) if muxer is Connection else muxer(conn, peer_id)
        return self._annotate_connection(muxed, conn, protocol)
