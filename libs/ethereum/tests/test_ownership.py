"""Ownership signatures checked ahead by real processes, which may be gone any time."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from eth_abi.abi import encode

from ssv_ethereum import ownership
from ssv_ethereum.ownership import MANY, OwnershipChecks
from ssv_ethereum.registry_blocks import BlockUpdate
from ssv_protocol.crypto import bls
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.crypto.shares import ownership_root
from ssv_protocol.registry.abi import HANDLED_EVENTS, topic0
from ssv_protocol.registry.canonical_abi import CLUSTER
from ssv_protocol.registry.log import Log
from ssv_protocol.registry.ownership import Claim
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import ExecutionAddress

OWNER = ExecutionAddress(b"\x01" * 20)
ADDED = topic0(next(abi.signature for abi in HANDLED_EVENTS if abi.name == "ValidatorAdded"))
EVENTS = MANY + 10
BAD = {3, MANY}


def block(events: int) -> BlockUpdate:
    """Events of one owner, in the order of their nonces; a few have the signature of another nonce."""
    logs = []
    for nonce in range(events):
        secret = SecretKey.generate(secrets.token_bytes)
        signature = secret.sign(ownership_root(OWNER, nonce + (nonce in BAD)))
        data = encode(
            ["uint64[]", "bytes", "bytes", CLUSTER],
            [[1, 2, 3, 4], secret.public_key(), signature + bytes(4 * (48 + 256)), (1, 0, 0, True, 0)],
        )
        logs.append(Log(7, b"\x07" * 32, nonce, ExecutionAddress(bytes(20)), (ADDED, bytes(12) + OWNER), data))
    return BlockUpdate(7, b"\x07" * 32, tuple(logs), 7, 0)


def noted_questions(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Return an event that is set once a process is asked."""
    asked, ask = asyncio.Event(), ownership._asked

    async def noted(worker: asyncio.subprocess.Process, claims: Sequence[Claim]) -> list[bool]:
        asked.set()
        return await ask(worker, claims)

    monkeypatch.setattr(ownership, "_asked", noted)
    return asked


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_processes_say_what_is_true_also_when_some_or_all_of_them_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    update = block(EVENTS)

    async def scenario() -> None:
        checks = OwnershipChecks(processes=2)
        alone = (await OwnershipChecks().ahead(RegistryState(), [update])).known
        assert [place for place, good in enumerate(alone.values()) if not good] == sorted(BAD)
        assert all(bls.verify(*claim) == good for claim, good in list(alone.items())[:5])
        assert (await checks.ahead(RegistryState(), [update])).known == alone
        first = checks.pids
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)
        assert (await checks.ahead(RegistryState(), [update])).known == alone
        for pid in checks.pids:
            os.kill(pid, signal.SIGSTOP)
        asked = noted_questions(monkeypatch)
        asking = asyncio.create_task(checks.ahead(RegistryState(), [update]))
        await asked.wait()
        stopped = checks.pids
        for pid in stopped:
            os.kill(pid, signal.SIGKILL)
        assert (await asking).known == alone
        await checks.rest()
        assert not any(is_there(pid) for pid in (*first, *stopped))
        assert (await checks.ahead(RegistryState(), [update])).known == alone
        last = checks.pids
        await checks.rest()
        await checks.rest()
        assert not any(is_there(pid) for pid in last)

    asyncio.run(scenario())


def test_whoever_is_cancelled_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    update = block(EVENTS)

    async def scenario() -> None:
        checks = OwnershipChecks(processes=2)
        await checks.ahead(RegistryState(), [update])
        pids = checks.pids
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        asked = noted_questions(monkeypatch)
        asking = asyncio.create_task(checks.ahead(RegistryState(), [update]))
        await asked.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert checks.pids == []
        assert not any(is_there(pid) for pid in pids)

    asyncio.run(scenario())


def test_few_signatures_need_no_process() -> None:
    async def scenario() -> None:
        checks = OwnershipChecks(processes=2)
        known = (await checks.ahead(RegistryState(), [block(10)])).known
        assert [place for place, good in enumerate(known.values()) if not good] == [3]
        assert checks.pids == []

    asyncio.run(scenario())
