"""A running signer with the API on, seen by a caller."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import Any

import aiohttp
from services.signer.tests.harness import PATIENCE_S, Signer
from services.signer.tests.remote.world import CLOCK, Json, hexed, registration

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.crypto import eip2335
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey
from ssv_runtime import slashing_wire

PASSWORD = "pass word"


@dataclass(frozen=True)
class Answered:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def reason(self) -> str:
        return str(self.body["reason"])


class Api:
    """The API of a running signer."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session = session
        self.base = base

    async def call(self, method: str, path: str, body: object = None, **options: Any) -> Answered:
        """Send `body` as JSON, bytes as they are."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        async with self.session.request(method, self.base + path, data=data, headers=headers, **options) as response:
            text = await response.text()
            parsed = json.loads(text) if response.content_type == "application/json" else text
            return Answered(response.status, parsed, dict(response.headers))

    async def sign(self, key: BlsPublicKey, plain: object, **options: Any) -> Answered:
        return await self.call("POST", f"/api/v1/eth2/sign/{hexed(key)}", plain, **options)

    async def sign_many(self, items: object) -> Answered:
        return await self.call("POST", "/api/v1/eth2/sign", items)

    async def loaded(self) -> Json:
        """Wait until the folder of keystores has been read; gives how it went."""
        for _ in range(int(PATIENCE_S * 1000)):
            status: Json = (await self.call("GET", "/reload")).body
            if status["status"] not in ("idle", "running"):
                return status
        raise AssertionError("the keystores are never read")


def write_keystore(folder: Path, name: str, key: SecretKey, **changes: object) -> None:
    folder.mkdir(exist_ok=True)
    content = {
        "version": eip2335.VERSION,
        "crypto": eip2335.encrypt(key.to_bytes(), PASSWORD, token_bytes),
        "pubkey": key.public_key().hex(),
        "path": "",
        "uuid": "00000000-0000-4000-8000-000000000000",
        **changes,
    }
    (folder / f"{name}.json").write_text(json.dumps(content))
    (folder / f"{name}.txt").write_text(PASSWORD + "\n")


@asynccontextmanager
async def serving(signer: Signer, keys: Sequence[SecretKey] = (), **settings: object) -> AsyncIterator[Api]:
    """Run the signer with plain keys, and call it."""
    folder, port_file = signer.folder / "keys", signer.folder / "remote.port"
    folder.mkdir(exist_ok=True)
    for number, key in enumerate(keys):
        write_keystore(folder, f"key{number}", key)
    chosen = {
        "remote_api_listen": "127.0.0.1:0",
        "remote_api_port_file": port_file,
        "remote_keys_dir": folder,
        "remote_keys_start": "empty",
        **settings,
    }
    async with signer.running(**chosen), aiohttp.ClientSession() as session:
        yield Api(session, f"http://127.0.0.1:{port_file.read_text().strip()}")


async def begin(api: Api, signer: Signer, *keys: BlsPublicKey) -> None:
    """Have the records of keys raised, as the first request of each does, and let an epoch pass."""
    await api.loaded()
    for key in keys:
        await api.sign(key, {"type": "VALIDATOR_REGISTRATION", "validator_registration": registration(key, 1)})
    signer.slot = CLOCK


@asynccontextmanager
async def tls_session(certificates: Path, caller: str | None) -> AsyncIterator[aiohttp.ClientSession]:
    """A caller that trusts the operator's authority and shows a certificate of it, or none."""
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    if caller is not None:
        context.load_cert_chain(certificates / f"{caller}.pem", certificates / f"{caller}.key")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        yield session


async def import_record(signer: Signer, key: BlsPublicKey, record: KeyRecord) -> None:
    """Import a slashing record, as `ssvctl slashing import` does."""
    async with signer.client("cli") as stub:
        root = signer.world.network.chain.genesis_validators_root
        await stub.ImportSlashing(
            pb.ImportSlashingRequest(genesis_validators_root=root, records=[slashing_wire.encode(key, record)])
        )
