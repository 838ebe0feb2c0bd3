"""The slashing record, asked of a real signer as the finalizer asks it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest
from services.signer.tests.harness import Signer, make_world

from ssv_kube.errors import NotYet
from ssv_kube.handlers.farewell import export_record, record_secrets
from ssv_kube.resources.node import Node
from ssv_protocol.signing import interchange

pytestmark = pytest.mark.asyncio


def certificate(signer: Signer, caller: str) -> dict[str, bytes]:
    files = {"ca.crt": "ca.pem", "tls.crt": f"{caller}.pem", "tls.key": f"{caller}.key"}
    return {key: (Path(signer.certificates) / file).read_bytes() for key, file in files.items()}


async def test_what_was_signed_is_in_the_secret(tmp_path: Path, example: Callable[..., Node]) -> None:
    world = make_world()
    signer = Signer(tmp_path, world)
    validator = world.validator(1)
    async with signer.running():
        await signer.hold(validator)
        await signer.sign(world.post_consensus([validator], signer.slot))
        record = await export_record(f"127.0.0.1:{signer.port}", certificate(signer, "cli"))
    (secret,) = record_secrets(example("single"), record)
    (key,) = interchange.parse(b64decode(secret["data"]["slashing.json"])).keys
    assert key.pubkey == validator.share_pubkey
    assert len(key.attestations) == 1


async def test_others_than_the_cli_get_nothing(tmp_path: Path) -> None:
    signer = Signer(tmp_path, make_world())
    async with signer.running():
        with pytest.raises(NotYet, match="consensus may not call"):
            await export_record(f"127.0.0.1:{signer.port}", certificate(signer, "consensus"))


async def test_a_signer_that_is_gone_is_waited_for(tmp_path: Path) -> None:
    signer = Signer(tmp_path, make_world())
    async with signer.running():
        target = f"127.0.0.1:{signer.port}"
    with pytest.raises(NotYet, match="no connection"):
        await export_record(target, certificate(signer, "cli"))
