"""Registry.Watch: the feed over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc

from ssv_api.v1 import registry_pb2 as pb
from ssv_api.v1.registry_pb2_grpc import RegistryServicer
from ssv_eth1_listener.feed import Feed
from ssv_runtime.registry_client import updates


class RegistryServer(RegistryServicer):
    """Serves the feed; a watcher that names a block that is not remembered gets everything."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def Watch(  # noqa: N802 (gRPC's name)
        self, request: pb.WatchRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.RegistryUpdate]:
        """Send what there is, then every change, until the watcher goes."""
        sent = None
        if request.HasField("after_block"):
            sent = self._feed.state_after(request.after_block, request.after_block_hash)
        async for view in self._feed.views():
            for update in updates(sent, view.state, view.own_operator_id, view.head_block):
                yield update
            sent = view.state
