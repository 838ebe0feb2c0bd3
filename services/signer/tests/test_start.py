"""Starting: as a process, with files that fit and files that don't."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from services.signer.tests.harness import Signer, make_world
from tests.support.signing_world import SigningWorld

from ssv_protocol.beacon_chain import BeaconFork, ScheduledFork
from ssv_protocol.crypto import eip2335, operator_keystore
from ssv_protocol.types.ids import Epoch, ForkVersion, Root
from ssv_runtime.network_file import write_network_file
from ssv_signer.errors import StartRefused
from ssv_signer.store.sqlite import FILE_NAME

PASSWORD = "correct horse"


@pytest.fixture
def signer(tmp_path: Path, world: SigningWorld) -> Signer:
    """On SQLite: `test_postgres.py` has what starting on PostgreSQL is about."""
    return Signer(tmp_path, world)


@pytest.fixture
def keystore(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> Signer:
    """The operator key encrypted, with its password beside it."""
    monkeypatch.setattr(eip2335, "SCRYPT_N", 2)
    content = operator_keystore.encode(signer.world.own_key, PASSWORD, secrets.token_bytes)
    (signer.folder / "operator.json").write_bytes(content)
    (signer.folder / "password").write_text(PASSWORD + "\n")
    return signer


def arguments(signer: Signer, **changes: object) -> list[str]:
    given = {
        "operator_key_file": signer.folder / "operator.json",
        "operator_key_password_file": signer.folder / "password",
        **changes,
    }
    settings = signer.settings(**given).model_dump(exclude_unset=True)
    return [part for key, value in settings.items() for part in (f"--{key.replace('_', '-')}", str(value))]


def run(signer: Signer, **changes: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ssv_signer", *arguments(signer, **changes)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def remember(signer: Signer) -> None:
    """Let the signer run once, so that the database is bound to its key and network."""

    async def once() -> None:
        async with signer.running():
            await signer.hold(signer.world.validator(1))

    asyncio.run(once())


def wrong_password(signer: Signer) -> None:
    (signer.folder / "password").write_text("battery staple")


def empty_password(signer: Signer) -> None:
    (signer.folder / "password").write_text(" \n")


def damaged_keystore(signer: Signer) -> None:
    (signer.folder / "operator.json").write_text('{"version": 4}')


def other_operator(signer: Signer) -> None:
    key = make_world().own_key
    (signer.folder / "operator.json").write_bytes(operator_keystore.encode(key, PASSWORD, secrets.token_bytes))


def other_network(signer: Signer) -> None:
    chain = replace(signer.world.network.chain, genesis_validators_root=Root(b"\x22" * 32), genesis_time_s=7)
    write_network_file(signer.folder / "network.json", replace(signer.world.network, chain=chain))


def newer_database(signer: Signer) -> None:
    connection = sqlite3.connect(signer.folder / "data" / FILE_NAME)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def damaged_share(signer: Signer) -> None:
    connection = sqlite3.connect(signer.folder / "data" / FILE_NAME)
    connection.execute("UPDATE shares SET sealed_secret = zeroblob(length(sealed_secret))")
    connection.commit()
    connection.close()


def no_database(signer: Signer) -> None:
    for file in (signer.folder / "data").iterdir():
        file.unlink()
    (signer.folder / "data" / FILE_NAME).write_bytes(b"this is no database, " * 500)


WRONG: dict[str, tuple[Callable[[Signer], None], str]] = {
    "wrong password": (wrong_password, "is not opened by the password"),
    "empty password": (empty_password, "is empty"),
    "damaged keystore": (damaged_keystore, "is damaged or no keystore"),
    "another operator's database": (other_operator, "belongs to another operator key"),
    "another network's database": (other_network, "another network (genesis_validators_root, genesis_time_s differ)"),
    "a newer signer's database": (newer_database, "newer signer"),
    "a damaged share": (damaged_share, "damaged; restore"),
    "no database": (no_database, "can't be opened"),
}


@pytest.mark.parametrize("name", WRONG)
def test_files_that_do_not_fit_end_the_start_with_one_line(keystore: Signer, name: str) -> None:
    spoil, problem = WRONG[name]
    remember(keystore)
    spoil(keystore)
    port_file = keystore.folder / "port"
    done = run(keystore, grpc_port_file=port_file)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("signer: ")]
    assert problem in line
    assert not port_file.exists()
    for secret in (PASSWORD, "battery staple", "PRIVATE KEY"):
        assert secret not in done.stderr + done.stdout


def test_an_encrypted_key_without_a_password_file(keystore: Signer) -> None:
    remember(keystore)
    done = run(keystore, operator_key_password_file=keystore.folder / "none")
    assert done.returncode == 2
    parts = arguments(keystore)
    at = parts.index("--operator-key-password-file")
    command = [sys.executable, "-m", "ssv_signer", *parts[:at], *parts[at + 2 :]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "is encrypted; name its password file" in done.stderr


def test_a_process_that_starts_serves_and_ends(keystore: Signer) -> None:
    port_file = keystore.folder / "port"
    command = [sys.executable, "-m", "ssv_signer", *arguments(keystore, grpc_port_file=port_file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = iter(process.stderr)
        started = next(line for line in lines if "serving gRPC" in line)
        process.send_signal(signal.SIGTERM)
        rest = "".join(lines)
    assert process.returncode == 0
    assert port_file.read_text().strip() in started
    assert "stopped" in rest
    assert (keystore.folder / "data").stat().st_mode & 0o777 == 0o700
    assert (keystore.folder / "data" / FILE_NAME).stat().st_mode & 0o777 == 0o600


def with_forks(world: SigningWorld, *epochs: int) -> SigningWorld:
    chain = world.network.chain
    later = tuple(ScheduledFork(BeaconFork.FULU, ForkVersion(b"\x99" * 4), Epoch(epoch)) for epoch in epochs)
    changed = SigningWorld.__new__(SigningWorld)
    changed.network = replace(world.network, chain=replace(chain, forks=(*chain.forks, *later)))
    changed.keys, changed.committee = world.keys, world.committee
    return changed


def test_only_the_future_of_the_network_may_change(tmp_path: Path, world: SigningWorld) -> None:
    def start(given: SigningWorld) -> None:
        shutil.rmtree(tmp_path / "certs", ignore_errors=True)
        remember_nothing(Signer(tmp_path, given))

    epoch = 10
    start(world)
    start(with_forks(world, epoch + 5))
    start(with_forks(world, epoch + 3))
    for present in (epoch, epoch + 1):
        with pytest.raises(StartRefused, match="beacon_forks differ"):
            start(with_forks(world, present))
    start(world)


def remember_nothing(signer: Signer) -> None:
    async def once() -> None:
        async with signer.running():
            pass

    asyncio.run(once())
