"""A beacon node over real HTTP for every kind of duty, on `FullWorld`, which verifies what is submitted."""

from __future__ import annotations

import time
from typing import Any, TypeVar

from aiohttp import web
from services.consensus.tests.beacon_server import BeaconServer, answer
from services.consensus.tests.full_world import FullWorld

from ssv_ethereum.beacon.ssz_json import from_json_answer
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.effects import Submit
from ssv_protocol.types.beacon import fulu
from ssv_protocol.types.beacon.attestation import SignedElectraAggregateAndProof
from ssv_protocol.types.beacon.block_proposal import BlockProposal, SignedProposal
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration
from ssv_protocol.types.beacon.sync_committee import SignedContributionAndProof
from ssv_protocol.types.ids import BlsSignature, Instant, Root, Slot
from ssv_protocol.types.ssz import SszContainer
from ssv_protocol.types.ssz_json import to_json

C = TypeVar("C", bound=SszContainer)


class FullBeaconServer(BeaconServer):
    """The Beacon API as far as any duty needs it."""

    def __init__(self, full: FullWorld) -> None:
        super().__init__(full.world)
        self.full = full

    def add_routes(self, router: web.UrlDispatcher) -> None:
        super().add_routes(router)
        router.add_get("/eth/v3/validator/blocks/{slot}", self._produce)
        router.add_post("/eth/v2/beacon/blocks", self._block)
        router.add_post("/eth/v2/beacon/blinded_blocks", self._blinded_block)
        router.add_get("/eth/v1/beacon/blocks/head/root", self._head)
        router.add_get("/eth/v2/validator/aggregate_attestation", self._aggregate)
        router.add_post("/eth/v2/validator/aggregate_and_proofs", self._aggregates)
        router.add_get("/eth/v1/validator/sync_committee_contribution", self._contribution)
        router.add_post("/eth/v1/validator/contribution_and_proofs", self._contributions)
        router.add_post("/eth/v1/validator/register_validator", self._registrations)
        router.add_post("/eth/v1/beacon/pool/voluntary_exits", self._exit)

    async def _produce(self, request: web.Request) -> web.Response:
        slot, query = Slot(int(request.match_info["slot"])), request.query
        reveal = BlsSignature(bytes.fromhex(query["randao_reveal"].removeprefix("0x")))
        proposal = self.full.block(slot, reveal, bytes.fromhex(query["graffiti"].removeprefix("0x")))
        headers = {"Eth-Consensus-Version": "fulu", "Eth-Execution-Payload-Blinded": "false"}
        return web.Response(body=proposal.encode(), content_type="application/octet-stream", headers=headers)

    async def _block(self, request: web.Request) -> web.Response:
        signed = fulu.SignedBlockContents.decode(await request.read())
        contents = fulu.BlockContents(signed.signed_block.message, signed.kzg_proofs, signed.blobs)
        proposal = BlockProposal(BeaconFork.FULU, contents)
        return self._take(Submit(proposals=(SignedProposal(proposal, signed.signed_block.signature),)))

    async def _blinded_block(self, request: web.Request) -> web.Response:
        signed = fulu.SignedBlindedBeaconBlock.decode(await request.read())
        proposal = BlockProposal(BeaconFork.FULU, signed.message)
        return self._take(Submit(proposals=(SignedProposal(proposal, signed.signature),)))

    async def _head(self, _: web.Request) -> web.Response:
        slot = self.world.chain.slot_at(Instant(time.time()))
        return answer({"root": "0x" + self.full.head(slot).hex()})

    async def _aggregate(self, request: web.Request) -> web.Response:
        query = request.query
        return answer(to_json(self.full.aggregate(Slot(int(query["slot"])), int(query["committee_index"]))))

    async def _aggregates(self, request: web.Request) -> web.Response:
        return self._take(Submit(aggregates=await _read(SignedElectraAggregateAndProof, request)))

    async def _contribution(self, request: web.Request) -> web.Response:
        query = request.query
        root = Root(bytes.fromhex(query["beacon_block_root"].removeprefix("0x")))
        slot, subcommittee = Slot(int(query["slot"])), int(query["subcommittee_index"])
        return answer(to_json(self.full.contribution(slot, subcommittee, root)))

    async def _contributions(self, request: web.Request) -> web.Response:
        return self._take(Submit(contributions=await _read(SignedContributionAndProof, request)))

    async def _registrations(self, request: web.Request) -> web.Response:
        return self._take(Submit(registrations=await _read(SignedValidatorRegistration, request)))

    async def _exit(self, request: web.Request) -> web.Response:
        item: Any = await request.json()
        return self._take(Submit(exits=(from_json_answer(SignedVoluntaryExit, item, "test", "POST"),)))

    def _take(self, work: Submit) -> web.Response:
        refused = self.full.take(work)
        return web.json_response({"message": f"refused {refused}"}, status=400) if refused else web.Response()


async def _read(container: type[C], request: web.Request) -> tuple[C, ...]:
    return tuple(from_json_answer(container, item, "test", "POST") for item in await request.json())
