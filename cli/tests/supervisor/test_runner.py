import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cli.tests.supervisor.children import child, events
from tests.support.processes import pids_with

from ssvctl.supervisor.plan import Plan
from ssvctl.supervisor.ports import free_ports
from ssvctl.supervisor.probe import Readiness
from ssvctl.supervisor.process import PortTaken, ProcessRefused
from ssvctl.supervisor.runner import RunningPlan, running, running_ready

pytestmark = pytest.mark.asyncio


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the world outside sets no events
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids(operator: RunningPlan) -> list[int]:
    return [process.pid for process in operator.processes.values() if process.pid is not None]


async def test_starts_in_order_and_drains_the_other_way_round(tmp_path: Path) -> None:
    plan = Plan(tuple(child(tmp_path, name) for name in ("nats", "signer", "consensus")))
    async with running(plan) as operator:
        await operator.until_ready()
        started = pids(operator)
        assert len(started) == 3
    assert events(tmp_path)[-6:] == [
        "consensus told",
        "consensus drained",
        "signer told",
        "signer drained",
        "nats told",
        "nats drained",
    ]
    assert not any(map(is_alive, started))


async def test_a_killed_process_comes_back(tmp_path: Path) -> None:
    async with running(Plan((child(tmp_path, "signer"), child(tmp_path, "other")))) as operator:
        await operator.until_ready()
        signer = operator.services["signer"]
        killed, bystander = signer.pid, operator.services["other"].pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: signer.pid not in (None, killed))
        await operator.until_ready()
        assert (signer.restarts, signer.process.last_exit) == (1, -signal.SIGKILL)
        assert (operator.services["other"].restarts, operator.services["other"].pid) == (0, bystander)


async def test_a_process_that_keeps_failing_is_tried_again(tmp_path: Path) -> None:
    async with running(Plan((child(tmp_path, "signer", "fails"),))) as operator:
        await eventually(lambda: operator.services["signer"].restarts >= 2)


async def test_what_does_not_listen_is_killed(tmp_path: Path) -> None:
    async with running(Plan((child(tmp_path, "signer", "deaf", drain_s=0.1),))) as operator:
        await operator.until_ready()
        started = pids(operator)
    assert events(tmp_path) == ["signer started", "signer told"]
    assert not any(map(is_alive, started))


async def test_cancelled_while_draining_leaves_nothing(tmp_path: Path) -> None:
    operator = RunningPlan(Plan((child(tmp_path, "signer", "deaf"), child(tmp_path, "consensus", "deaf"))))
    await operator.start()
    await operator.until_ready()
    started = pids(operator)
    stopping = asyncio.create_task(operator.stop())
    await eventually(lambda: "consensus told" in events(tmp_path))
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert not any(map(is_alive, started))
    assert operator.processes["signer"].pid is None


async def test_one_process_off_and_on_again(tmp_path: Path) -> None:
    async with running(Plan((child(tmp_path, "signer"),))) as operator:
        await operator.until_ready()
        signer = operator.services["signer"]
        await signer.process.stop()
        assert signer.pid is None
        assert not (await operator.readiness())["signer"].ready
        await signer.process.start()
        await operator.until_ready()
        assert signer.restarts == 0


async def test_tells_what_a_service_waits_for(tmp_path: Path) -> None:
    (tmp_path / "signer.waits").touch()
    seen: list[str] = []

    def on_look(now: Mapping[str, Readiness]) -> None:
        seen.append(now["signer"].text())
        if "waits" in seen[-1]:
            (tmp_path / "signer.waits").unlink(missing_ok=True)

    async with running(Plan((child(tmp_path, "signer"),))) as operator:
        await operator.until_ready(on_look)
    assert "waits for beacon: does not answer" in seen
    assert seen[-1] == "ready"


async def test_bad_settings_end_the_start_with_the_services_own_words(tmp_path: Path) -> None:
    plan = Plan((child(tmp_path, "other"), child(tmp_path, "signer", "refuses")))
    with pytest.raises(ProcessRefused, match="signer can't start: nats_url: give an address"):
        async with running_ready(lambda: plan):
            pytest.fail("must not become ready")
    assert pids_with(str(tmp_path)) == []


async def test_plans_anew_when_a_port_was_taken(tmp_path: Path) -> None:
    plans: list[Plan] = []
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()

        def make_plan() -> Plan:
            if not plans:
                plans.append(Plan((child(tmp_path, "signer", "fails", ports=(thief.getsockname()[1],)),)))
            else:
                plans.append(Plan((child(tmp_path, "signer", ports=free_ports(1)),)))
            return plans[-1]

        async with running_ready(make_plan) as operator:
            assert operator.plan is plans[1]

        with pytest.raises(PortTaken, match="is in use"):
            async with running_ready(lambda: plans[0]):
                pytest.fail("must not become ready")


async def test_files_are_private_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run" / "signer.toml"
    for content in ("old", "new"):
        async with running(Plan((), {path: content})):
            assert path.read_text() == content
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_killed_supervisor_leaves_none(tmp_path: Path) -> None:
    script = """
import asyncio, pathlib, sys
from cli.tests.supervisor.children import child
from ssvctl.supervisor.plan import Plan
from ssvctl.supervisor.runner import running

async def main(folder):
    async with running(Plan((child(folder, "a"), child(folder, "b", "deaf")))) as operator:
        await operator.until_ready()
        print(*(process.pid for process in operator.processes.values()), flush=True)
        await asyncio.sleep(600)

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as supervisor:
        assert supervisor.stdout is not None
        started = [int(pid) for pid in supervisor.stdout.readline().split()]
        assert len(started) == 2
        assert all(map(is_alive, started))
        supervisor.kill()
    await eventually(lambda: not any(map(_runs, started)))


def _runs(pid: int) -> bool:
    """Not gone and not a zombie that its new parent has yet to bury."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
