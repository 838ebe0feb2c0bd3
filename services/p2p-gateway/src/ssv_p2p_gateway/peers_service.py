"""`Gateway.Peers`: who is connected, what is listened to, what was dropped.

Not guaranteed: `agent` is empty, for libp2p's host does not keep what peers say of themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc.aio

from ssv_api.v1 import gateway_pb2 as pb
from ssv_api.v1.gateway_pb2_grpc import GatewayServicer
from ssv_p2p_gateway.node import Node
from ssv_p2p_gateway.traffic import Traffic
from ssv_runtime.names import CLI
from ssv_runtime.rpc import Permissions

PERMISSIONS = Permissions({"ssv.v1.Gateway/Peers": {CLI, "operator"}})


class PeersService(GatewayServicer):
    """Answers from what the node and the counters hold."""

    def __init__(self, node: Callable[[], Node | None], traffic: Traffic) -> None:
        self._node = node
        self._traffic = traffic

    async def Peers(  # noqa: N802 (named by gRPC)
        self, request: pb.PeersRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.PeersResponse:
        """Answer; a node that does not run has no id, addresses, peers and topics."""
        response = pb.PeersResponse(
            accepted_by_topic=self._traffic.accepted_by_topic, refused_by_reason=self._traffic.refused_by_reason
        )
        node = self._node()
        if node is not None:
            response.peer_id = node.peer_id
            response.listen_addresses.extend(node.addresses)
            response.topics.extend(node.topics)
            response.peers.extend(
                pb.Peer(peer_id=peer.peer_id, address=peer.address, topics=peer.topics) for peer in node.peers()
            )
        return response
