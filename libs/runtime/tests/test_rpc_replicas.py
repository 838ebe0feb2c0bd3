"""Calls to several replicas of a service: round, past one that is gone, past one that hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from libs.runtime.tests.conftest import PATIENCE_S, a_service, settings_of
from libs.runtime.tests.test_rpc import a_signer

from ssv_api.v1 import signer_pb2
from ssv_api.v1.signer_pb2_grpc import SignerStub
from ssv_runtime.rpc import channel
from ssv_runtime.rpc.client import resolvable

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[3]


async def test_calls_go_round_the_replicas_and_past_one_that_is_gone(certificates: Path) -> None:
    async with a_service("consensus") as service, a_signer(certificates) as (one, first):
        async with a_signer(certificates) as (two, second), asyncio.timeout(PATIENCE_S):
            target = f"127.0.0.1:{one},127.0.0.1:{two}"
            stub: Any = SignerStub(channel(target, settings_of(certificates, "consensus"), service, "signer"))
            while not (first.identified and second.identified):
                await stub.Identity(signer_pb2.IdentityRequest(), wait_for_ready=True)
        before = second.identified
        for _ in range(20):
            await stub.Identity(signer_pb2.IdentityRequest())
        assert second.identified == before


async def test_calls_to_a_replica_that_hangs_are_made_again_at_another_one(certificates: Path, tmp_path: Path) -> None:
    async with (
        a_service("consensus") as service,
        a_signer(certificates) as (one, answers),
        a_process(certificates, tmp_path / "port") as (process, two),
        asyncio.timeout(2 * PATIENCE_S),
    ):
        target = f"127.0.0.1:{one},127.0.0.1:{two}"
        stub: Any = SignerStub(channel(target, settings_of(certificates, "consensus"), service, "signer"))
        asked = 0
        while asked == answers.identified:  # until the other one has answered too
            await stub.Identity(signer_pb2.IdentityRequest(), wait_for_ready=True)
            asked += 1
        os.kill(process.pid, signal.SIGSTOP)
        said = await asyncio.gather(*(stub.Identity(signer_pb2.IdentityRequest()) for _ in range(4)))
        assert [each.public_key for each in said] == [b"consensus"] * 4


@asynccontextmanager
async def a_process(certificates: Path, port_file: Path) -> AsyncIterator[tuple[Process, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "libs.runtime.tests.a_grpc_child", certificates, port_file, cwd=ROOT
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (port := _read(port_file)) is None:  # noqa: ASYNC110 (another process writes it)
                await asyncio.sleep(0.02)
        yield process, port
    finally:
        process.kill()
        await process.wait()


def _read(port_file: Path) -> int | None:
    return int(port_file.read_text()) if port_file.exists() else None


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("127.0.0.1:9000,127.0.0.1:9001", "ipv4:127.0.0.1:9000,127.0.0.1:9001"),
        ("ipv6:[::1]:9000,[::1]:9001", "ipv6:[::1]:9000,[::1]:9001"),
        ("dns:///ssv-signer:9000", "dns:///ssv-signer:9000"),
    ],
)
async def test_a_list_of_addresses_is_written_as_grpc_reads_it(target: str, written: str) -> None:
    assert resolvable(target) == written
