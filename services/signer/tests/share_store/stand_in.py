"""A store of keys written to the public remote-signing API: it computes each signing root itself, from the object and
the fork that a request names, and signs nothing whose `signingRoot` differs.

Of this project it uses the SSZ containers and BLS, and neither the signer's rules nor its schedule of forks.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from aiohttp import web

from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.types.beacon.attestation import AttestationData, ElectraAggregateAndProof, Phase0AggregateAndProof
from ssv_protocol.types.beacon.exit import VoluntaryExit
from ssv_protocol.types.beacon.operations import BeaconBlockHeader
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.beacon.sync_committee import ContributionAndProof, SyncAggregatorSelectionData
from ssv_protocol.types.ids import Root
from ssv_protocol.types.ssz_json import from_json

Json = dict[str, Any]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Chain:
    """What such a store knows of its network: the rest comes with each request."""

    slots_per_epoch: int
    capella: bytes
    genesis: bytes


class StandIn:
    """The store. `hidden` keys are listed and can't sign; `fault` answers instead of it; `asked` has what it read."""

    def __init__(self, *keys: SecretKey, slots_per_epoch: int, capella: bytes, genesis: bytes, token: str = "") -> None:
        self.keys = {key.public_key().hex(): key for key in keys}
        self.hidden: set[str] = set()
        self.fault: Fault | None = None
        self.asked: list[Json] = []
        self.url = ""
        self._chain = Chain(slots_per_epoch, capella, genesis)
        self._token = token

    def add(self, *keys: SecretKey) -> None:
        self.keys |= {key.public_key().hex(): key for key in keys}

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[StandIn]:
        app = web.Application()
        app.router.add_get("/api/v1/eth2/publicKeys", self._list)
        app.router.add_post("/api/v1/eth2/sign/{identifier}", self._sign)
        runner = web.AppRunner(app, shutdown_timeout=0.001)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
            self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return web.Response(status=401)
        return web.json_response(["0x" + key for key in self.keys])

    async def _sign(self, request: web.Request) -> web.StreamResponse:
        if not self._knows(request):
            return web.Response(status=401)
        if self.fault is not None:
            return await self.fault(request)
        name = request.match_info["identifier"].removeprefix("0x")
        if name not in self.keys or name in self.hidden:
            return web.Response(status=404, text="Public Key not found")
        body = json.loads(await request.text())
        self.asked.append(body)
        root = signing_root(body, self._chain)
        if body["signingRoot"] != "0x" + root.hex():
            return web.Response(status=400, text="signing root differs")
        signature = "0x" + self.keys[name].sign(root).hex()
        if request.headers.get("Accept") == "application/json":
            return web.json_response({"signature": signature})
        return web.Response(text=signature)

    def _knows(self, request: web.Request) -> bool:
        return not self._token or request.headers.get("Authorization") == f"Bearer {self._token}"


def signing_root(body: Json, chain: Chain) -> Root:
    """Compute what a request's object is signed over."""
    root, domain_type, epoch = _object(body, chain.slots_per_epoch)
    if body["type"] == "VALIDATOR_REGISTRATION":
        return _signed(root, domain_type, chain.genesis, bytes(32))
    fork = body["fork_info"]["fork"]
    name = "previous_version" if epoch < int(fork["epoch"]) else "current_version"
    version = chain.capella if body["type"] == "VOLUNTARY_EXIT" else bytes.fromhex(fork[name][2:])
    return _signed(root, domain_type, version, bytes.fromhex(body["fork_info"]["genesis_validators_root"][2:]))


def _signed(root: bytes, domain_type: str, version: bytes, genesis_validators_root: bytes) -> Root:
    fork_data = sha256(version + bytes(28) + genesis_validators_root).digest()
    return Root(sha256(root + bytes.fromhex(domain_type) + fork_data[:28]).digest())


def _object(body: Json, slots_per_epoch: int) -> tuple[bytes, str, int]:
    """Return the object's hash tree root, its domain type and its epoch."""
    match body["type"]:
        case "ATTESTATION":
            data = from_json(AttestationData, body["attestation"], "")
            return data.hash_tree_root(), "01000000", data.target.epoch
        case "BLOCK_V2":
            header = from_json(BeaconBlockHeader, body["beacon_block"]["block_header"], "")
            assert body["beacon_block"]["version"] in ("CAPELLA", "DENEB", "ELECTRA", "FULU")
            return header.hash_tree_root(), "00000000", header.slot // slots_per_epoch
        case "AGGREGATION_SLOT":
            slot = int(body["aggregation_slot"]["slot"])
            return _number(slot), "05000000", slot // slots_per_epoch
        case "AGGREGATE_AND_PROOF":
            old = from_json(Phase0AggregateAndProof, body["aggregate_and_proof"], "")
            return old.hash_tree_root(), "06000000", old.aggregate.data.slot // slots_per_epoch
        case "AGGREGATE_AND_PROOF_V2":
            assert body["aggregate_and_proof"]["version"] in ("ELECTRA", "FULU")
            new = from_json(ElectraAggregateAndProof, body["aggregate_and_proof"]["data"], "")
            return new.hash_tree_root(), "06000000", new.aggregate.data.slot // slots_per_epoch
        case "RANDAO_REVEAL":
            epoch = int(body["randao_reveal"]["epoch"])
            return _number(epoch), "02000000", epoch
        case "SYNC_COMMITTEE_MESSAGE":
            message = body["sync_committee_message"]
            return bytes.fromhex(message["beacon_block_root"][2:]), "07000000", int(message["slot"]) // slots_per_epoch
        case "SYNC_COMMITTEE_SELECTION_PROOF":
            selected = from_json(SyncAggregatorSelectionData, body["sync_aggregator_selection_data"], "")
            return selected.hash_tree_root(), "08000000", selected.slot // slots_per_epoch
        case "SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF":
            given = from_json(ContributionAndProof, body["contribution_and_proof"], "")
            return given.hash_tree_root(), "09000000", given.contribution.slot // slots_per_epoch
        case "VOLUNTARY_EXIT":
            leaving = from_json(VoluntaryExit, body["voluntary_exit"], "")
            return leaving.hash_tree_root(), "04000000", leaving.epoch
        case "VALIDATOR_REGISTRATION":
            registered = from_json(ValidatorRegistration, body["validator_registration"], "")
            return registered.hash_tree_root(), "00000001", 0
    raise AssertionError(body["type"])


def _number(value: int) -> bytes:
    return value.to_bytes(8, "little") + bytes(24)


class Hanging:
    """A fault that answers nothing until it is let go."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.let_go = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.reached.set()
        await self.let_go.wait()
        return web.Response(status=503)
