"""A beacon node over real HTTP on a made-up chain that verifies what is submitted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from tests.support.beacon_spec import spec_of

from ssv_devnet.simulation.chain import SimulatedChain
from ssv_ethereum.beacon.ssz_json import from_json_answer
from ssv_protocol.effects import Submit
from ssv_protocol.types.beacon.attestation import SingleAttestation
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeMessage
from ssv_protocol.types.ids import Slot
from ssv_protocol.types.ssz_json import to_json


class BeaconServer:
    """The Beacon API as far as a committee duty needs it. `is_syncing` may be set."""

    def __init__(self, world: SimulatedChain) -> None:
        self.world = world
        self.is_syncing = False
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[BeaconServer]:
        app = web.Application()
        self.add_routes(app.router)
        runner = web.AppRunner(app, shutdown_timeout=0.001)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/eth/v1/beacon/genesis", self._genesis)
        router.add_get("/eth/v1/node/syncing", self._syncing)
        router.add_get("/eth/v1/node/version", self._version)
        router.add_get("/eth/v1/config/spec", self._spec)
        router.add_get("/eth/v1/validator/attestation_data", self._attestation_data)
        router.add_post("/eth/v2/beacon/pool/attestations", self._attestations)
        router.add_post("/eth/v1/beacon/pool/sync_committees", self._sync_messages)

    async def _genesis(self, _: web.Request) -> web.Response:
        chain = self.world.chain
        return answer(
            {
                "genesis_time": str(chain.genesis_time_s),
                "genesis_validators_root": "0x" + chain.genesis_validators_root.hex(),
                "genesis_fork_version": "0x" + chain.forks[0].version.hex(),
            }
        )

    async def _syncing(self, _: web.Request) -> web.Response:
        return answer({"head_slot": "1", "sync_distance": "9", "is_syncing": self.is_syncing})

    async def _version(self, _: web.Request) -> web.Response:
        return answer({"version": "made-up/1"})

    async def _spec(self, _: web.Request) -> web.Response:
        return answer(spec_of(self.world.chain))

    async def _attestation_data(self, request: web.Request) -> web.Response:
        return answer(to_json(self.world.attestation_data(Slot(int(request.query["slot"])))))

    async def _attestations(self, request: web.Request) -> web.Response:
        items = [from_json_answer(SingleAttestation, item, "test", "POST") for item in await request.json()]
        refused = self.world.take(Submit(tuple(item.attester_index for item in items), tuple(items)))
        return web.json_response({"message": f"refused {refused}"}, status=400) if refused else web.Response()

    async def _sync_messages(self, request: web.Request) -> web.Response:
        items = [from_json_answer(SyncCommitteeMessage, item, "test", "POST") for item in await request.json()]
        self.world.take(Submit(sync_messages=tuple(items)))
        return web.Response()


def answer(data: Any) -> web.Response:
    return web.json_response({"data": data})
