"""The builder API over HTTP, as a beacon node calls it, plus the record for the devnet.

Bodies are SSZ throughout: what a node sends otherwise is answered with 415, what it will not take with 406.
Bids and blocks are Fulu's. The older way, where the builder gives the payload back to the node (v1 of
`blinded_blocks`), ended with Electra and does not exist here.

Source: builder-specs, apis/builder.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from ssv_devnet.builder.builder import BlindedBlockRefused, Builder
from ssv_devnet.builder.payload import head
from ssv_devnet.builder.record import RECORD_PATH
from ssv_ethereum.beacon.answers import from_hex
from ssv_ethereum.beacon.blocks import BlocksApi
from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.beacon.http import JSON, SSZ, BeaconHttp
from ssv_ethereum.beacon.versions import VERSION_HEADER, version_header
from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.beacon import fulu
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration
from ssv_protocol.types.ids import BlsPublicKey, Slot
from ssv_protocol.types.ssz import max_encoded_bytes

_MAX_BODY_BYTES = 8 * 1024 * 1024
_REGISTRATION_BYTES = max_encoded_bytes(SignedValidatorRegistration)

_log = logging.getLogger(__name__)


class Refusal(Exception):
    """An answer other than success: HTTP status and a reason."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def builder_app(builder: Builder, node: BeaconHttp) -> web.Application:
    """Return the application; `node` is the beacon node that gives the head and takes the full blocks."""
    api = _Api(builder, node)
    app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[_refusals_as_json])
    app.router.add_get("/eth/v1/builder/status", api.status)
    app.router.add_post("/eth/v1/builder/validators", api.register)
    app.router.add_get(r"/eth/v1/builder/header/{slot:\d+}/{parent_hash}/{pubkey}", api.header)
    app.router.add_post("/eth/v2/builder/blinded_blocks", api.submit)
    app.router.add_get(RECORD_PATH, api.record)
    return app


class _Api:
    def __init__(self, builder: Builder, node: BeaconHttp) -> None:
        self._builder = builder
        self._node = node

    async def status(self, _: web.Request) -> web.Response:
        return web.Response()

    async def register(self, request: web.Request) -> web.Response:
        body = await _ssz_body(request)
        try:
            batch = [
                SignedValidatorRegistration.decode(body[start : start + _REGISTRATION_BYTES])
                for start in range(0, len(body), _REGISTRATION_BYTES)
            ]
        except ProtocolError as error:
            raise Refusal(400, str(error)) from None
        problems = await asyncio.to_thread(self._builder.registrations.take, batch)
        if problems:
            raise Refusal(400, "; ".join(problems))
        return web.Response()

    async def header(self, request: web.Request) -> web.Response:
        if not _takes_ssz(request):
            raise Refusal(406, f"bids are {SSZ}")
        slot = Slot(int(request.match_info["slot"]))
        try:
            parent_hash = from_hex(request.match_info["parent_hash"])
            pubkey = BlsPublicKey(from_hex(request.match_info["pubkey"]))
        except ValueError as error:
            raise Refusal(400, str(error)) from None
        if not self._builder.wants(slot, pubkey):
            return web.Response(status=204)
        parent = await head(self._node)
        bid = self._builder.bid(slot, parent_hash, pubkey, parent) if parent else None
        if bid is None:
            _log.info("slot %d: no bid, since 0x%s is not the head or genesis", slot, parent_hash.hex())
            return web.Response(status=204)
        return web.Response(body=bid.encode(), content_type=SSZ, headers=version_header(BeaconFork.FULU))

    async def submit(self, request: web.Request) -> web.Response:
        body = await _ssz_body(request)
        version = request.headers.get(VERSION_HEADER, "")
        if version.upper() != BeaconFork.FULU.name:
            raise Refusal(400, f"blocks are Fulu's, not {version!r}")
        try:
            signed = fulu.SignedBlindedBeaconBlock.decode(body)
            await self._builder.unblind(signed, self._publish)
        except (ProtocolError, BlindedBlockRefused) as error:
            raise Refusal(400, str(error)) from None
        return web.Response(status=202)

    async def record(self, _: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self._builder.record()), content_type=JSON)

    async def _publish(self, contents: bytes) -> None:
        await BlocksApi(self._node).publish(contents, BeaconFork.FULU)


async def _ssz_body(request: web.Request) -> bytes:
    if request.content_type != SSZ:
        raise Refusal(415, f"bodies are {SSZ}, not {request.content_type}")
    return await request.read()


def _takes_ssz(request: web.Request) -> bool:
    accept = request.headers.get("Accept", "*/*")
    return any(wanted in accept for wanted in (SSZ, "*/*", "application/*"))


@web.middleware
async def _refusals_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        status, message = refusal.status, str(refusal)
    except BeaconError as error:
        status, message = 502, str(error)
    _log.warning("%s %s refused: %s", request.method, request.path, message)
    return web.json_response({"code": status, "message": message}, status=status)
