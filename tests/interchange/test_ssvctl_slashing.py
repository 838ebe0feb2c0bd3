"""`ssvctl slashing export|import` against a real signer: the file between two of them, and what is refused."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest
from services.signer.tests.harness import SLOTS_PER_EPOCH, START, Signer, make_world
from typer.testing import CliRunner, Result

from ssv_protocol.signing import interchange
from ssv_protocol.signing.interchange import Interchange, KeyHistory, SignedAttestation, SignedBlock
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot
from ssvctl.main import app
from tests.support.signing_world import SigningWorld

pytestmark = pytest.mark.asyncio
KEY, STRANGER = BlsPublicKey(b"\xa0" * 48), BlsPublicKey(b"\xa1" * 48)
A = Root(b"\x0a" * 32)


@pytest.fixture(scope="module")
def world() -> SigningWorld:
    return make_world()


@pytest.fixture
def signer(tmp_path: Path, world: SigningWorld) -> Signer:
    return Signer(tmp_path, world)


async def slashing(signer: Signer, *arguments: object) -> Result:
    """Run `ssvctl slashing` beside the signer, which answers in this loop."""
    place = ["--signer", f"127.0.0.1:{signer.port}", "--certs", str(signer.certificates)]
    return await asyncio.to_thread(CliRunner().invoke, app, ["slashing", *map(str, arguments), *place])


def complete(world: SigningWorld) -> Interchange:
    """A file in complete form, which has one key twice."""
    votes = tuple(SignedAttestation(Epoch(number), Epoch(number + 1), A) for number in range(5))
    return Interchange(
        world.network.chain.genesis_validators_root,
        (
            KeyHistory(KEY, (SignedBlock(Slot(7)), SignedBlock(Slot(9), A)), votes),
            KeyHistory(KEY, (SignedBlock(Slot(8)),)),
            KeyHistory(STRANGER),
        ),
    )


async def test_the_file_goes_from_signer_to_signer(signer: Signer, tmp_path: Path, world: SigningWorld) -> None:
    validator, out = world.validator(1), tmp_path / "slashing.json"
    async with signer.running():
        await signer.hold(validator)
        await signer.sign(world.post_consensus([validator], signer.slot))
        result = await slashing(signer, "export", "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}: 1 keys, 1 attestations, 1 blocks.\n"
    assert "end this operator before" in result.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    (key,) = interchange.parse(out.read_bytes()).keys
    assert key.pubkey == validator.share_pubkey
    assert [vote.target for vote in key.attestations] == [signer.slot // SLOTS_PER_EPOCH]
    (tmp_path / "other").mkdir()
    other = Signer(tmp_path / "other", world)
    other.slot = signer.slot
    async with other.running():
        result = await slashing(other, "import", out)
        assert (result.exit_code, result.stdout) == (0, f"{out}: 1 keys, 1 raised, 0 with as much on record already.\n")
        assert "1 are of no key held here" in result.stderr
        again = tmp_path / "again.json"
        await slashing(other, "export", "--out", again)
        assert again.read_bytes() == out.read_bytes()
        result = await slashing(other, "import", again)
        assert "0 raised, 1 with as much" in result.stdout


async def test_a_complete_file_is_merged_into_its_highest_marks(
    signer: Signer, tmp_path: Path, world: SigningWorld
) -> None:
    given, out = tmp_path / "complete.json", tmp_path / "minimal.json"
    given.write_bytes(interchange.encode(complete(world)))
    async with signer.running():
        result = await slashing(signer, "import", given)
        assert result.stdout == f"{given}: 2 keys, 1 raised, 1 with as much on record already.\n"
        await slashing(signer, "export", "--out", out)
    assert interchange.parse(out.read_bytes()).keys == (
        KeyHistory(KEY, (SignedBlock(Slot(9), A),), (SignedAttestation(Epoch(4), Epoch(5), A),)),
    )


async def test_the_complete_form_comes_back_as_it_was(signer: Signer, tmp_path: Path, world: SigningWorld) -> None:
    given, out, again = (tmp_path / f"{name}.json" for name in ("given", "out", "again"))
    given.write_bytes(interchange.encode(complete(world)))
    async with signer.running(keep_history=True):
        assert (await slashing(signer, "import", given)).exit_code == 0
        result = await slashing(signer, "export", "--form", "complete", "--out", out)
        assert result.stdout == f"{out}: 1 keys, 5 attestations, 3 blocks.\n"
    (known,) = interchange.parse(out.read_bytes()).keys
    assert known.attestations == complete(world).keys[0].attestations
    assert [block.slot for block in known.blocks] == [7, 8, 9]
    (tmp_path / "other").mkdir()
    other = Signer(tmp_path / "other", world)
    async with other.running(keep_history=True):
        await slashing(other, "import", out)
        await slashing(other, "export", "--form", "complete", "--out", again)
    assert again.read_bytes() == out.read_bytes()


async def test_no_complete_form_without_a_history(signer: Signer, tmp_path: Path) -> None:
    async with signer.running():
        result = await slashing(signer, "export", "--form", "complete", "--out", tmp_path / "out.json")
    assert result.exit_code == 1
    assert "keep_history = true" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out.json").exists()


async def test_what_is_refused_and_why(signer: Signer, tmp_path: Path, world: SigningWorld) -> None:
    file, out = tmp_path / "slashing.json", tmp_path / "out.json"
    good = json.loads(interchange.encode(complete(world)))
    ahead = {"source_epoch": "0", "target_epoch": str(START)}
    own_root = world.network.chain.genesis_validators_root.hex()
    cases: list[tuple[object, list[str]]] = [
        ("no json", [f"{file}: the file is not JSON"]),
        (good | {"data": [{"pubkey": "0x00"}]}, [f"{file}: data[0].pubkey is"]),
        (
            good | {"metadata": good["metadata"] | {"genesis_validators_root": f"0x{A.hex()}"}},
            ["genesis validators root", f"0x{A.hex()}", f"0x{own_root}"],
        ),
        (
            good | {"data": [*good["data"], good["data"][0] | {"signed_attestations": [ahead]}]},
            [f"target epoch {START} of key 0x{KEY.hex()} lies in the future", "--accept-future"],
        ),
    ]
    async with signer.running():
        for content, parts in cases:
            file.write_text(content if isinstance(content, str) else json.dumps(content))
            result = await slashing(signer, "import", file)
            assert result.exit_code == 1
            assert result.stderr.startswith("ssvctl: ")
            assert result.stderr.count("\n") == 1
            assert all(part in result.stderr for part in parts), result.stderr
        result = await slashing(signer, "export", "--out", out)
        assert "0 keys" in result.stdout
        assert (await slashing(signer, "import", file, "--accept-future")).exit_code == 0
        result = await slashing(signer, "export", "--out", out)
        assert result.exit_code == 1
        assert f"{out} exists already" in result.stderr


async def test_no_signer_no_file(signer: Signer, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    async with signer.running():
        pass
    result = await slashing(signer, "export", "--out", out)
    assert result.exit_code == 1
    assert f"the signer at 127.0.0.1:{signer.port} can't be reached" in result.stderr
    alone = CliRunner().invoke(app, ["slashing", "export", "--out", str(out), "--dir", str(tmp_path)])
    assert alone.stderr.startswith(f"ssvctl: nobody runs {tmp_path}; start it with")
    assert not out.exists()
