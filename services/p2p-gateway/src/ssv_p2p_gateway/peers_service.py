"""`Gateway.Peers`: who is connected and how each is scored, what is listened to, what was dropped.

Not guaranteed: `agent`, `domain` and `subnets` are what a peer said in its handshake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc.aio

from ssv_api.v1 import gateway_pb2 as pb
from ssv_api.v1.gateway_pb2_grpc import GatewayServicer
from ssv_gossipsub import PeerScore
from ssv_p2p_gateway.discovery.finder import Finder
from ssv_p2p_gateway.node import ConnectedPeer, Node
from ssv_p2p_gateway.traffic import Traffic
from ssv_runtime.names import CLI
from ssv_runtime.rpc import Permissions

PERMISSIONS = Permissions({"ssv.v1.Gateway/Peers": {CLI, "operator"}})


class PeersService(GatewayServicer):
    """Answers from what the node and the counters hold."""

    def __init__(self, node: Callable[[], Node | None], traffic: Traffic, finder: Finder | None) -> None:
        self._node = node
        self._traffic = traffic
        self._finder = finder

    async def Peers(  # noqa: N802 (named by gRPC)
        self, request: pb.PeersRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.PeersResponse:
        """Answer; a node that does not run has no id, addresses, peers and topics."""
        response = pb.PeersResponse(
            accepted_by_topic=self._traffic.accepted_by_topic, refused_by_reason=self._traffic.refused_by_reason
        )
        if self._finder is not None:
            response.record = self._finder.record
            response.discovered.update(self._finder.table_sizes)
            response.candidates = len(self._finder.candidates)
        node = self._node()
        if node is not None:
            response.peer_id = node.peer_id
            response.listen_addresses.extend(node.addresses)
            response.topics.extend(node.topics)
            response.peers.extend(map(_peer, node.peers()))
            response.meshes.extend(
                pb.TopicMesh(topic=topic, subscribers=node.subscribers(topic), peer_ids=peer_ids)
                for topic, peer_ids in node.meshes().items()
            )
            response.banned.extend(node.banned())
        return response


def _peer(peer: ConnectedPeer) -> pb.Peer:
    told = pb.Peer(peer_id=peer.peer_id, address=peer.address, outbound=peer.outbound)
    if peer.gossip is not None:
        told.topics.extend(sorted(peer.gossip.topics))
        told.protocol = peer.gossip.protocol.value
        told.queued_messages = len(peer.gossip.outbox)
        told.dropped_messages = peer.gossip.outbox.dropped_messages
    if peer.info is not None:
        told.agent = peer.info.node_version
        told.domain = peer.info.domain
        told.subnets.extend(sorted(peer.info.subnets or ()))
    if peer.score is not None:
        told.score.CopyFrom(_score(peer.score))
    return told


def _score(score: PeerScore) -> pb.PeerScore:
    return pb.PeerScore(
        total=score.total,
        topics=score.topics_capped,
        ip_colocation=score.ip_colocation,
        behaviour=score.behaviour_penalty,
        by_topic=[
            pb.TopicScore(
                topic=topic,
                time_in_mesh=parts.time_in_mesh,
                first_deliveries=parts.first_message_deliveries,
                mesh_deliveries=parts.mesh_message_deliveries,
                mesh_failures=parts.mesh_failure_penalty,
                invalid_messages=parts.invalid_message_deliveries,
            )
            for topic, parts in sorted(score.topics.items())
        ],
    )
