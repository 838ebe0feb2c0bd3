"""A service as a real child process: signals, exit statuses, what it says on its standard streams."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from libs.runtime.tests.conftest import PATIENCE_S, environment_without_settings, required_settings

CHILD = Path(__file__).with_name("a_child.py")


class Child:
    def __init__(self, log: Path, arguments: list[str]) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, CHILD, *arguments], stdout=out, stderr=out, env=environment_without_settings()
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while text not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < give_up, self.said
            time.sleep(0.02)

    def status(self) -> int:
        return self.process.wait(PATIENCE_S)


Start = Callable[..., Child]


@pytest.fixture
def start(tmp_path: Path, certificates: Path) -> Iterator[Start]:
    children: list[Child] = []

    def begin(*arguments: str) -> Child:
        required = required_settings(certificates, "consensus")
        given = [part for key, value in required.items() for part in (f"--{key.replace('_', '-')}", str(value))]
        children.append(Child(tmp_path / f"child{len(children)}.log", [*given, *arguments]))
        return children[-1]

    yield begin
    for child in children:
        child.process.kill()
        child.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_it_finish_and_end_with_0(start: Start, number: signal.Signals) -> None:
    child = start()
    child.wait_for("running")
    child.process.send_signal(number)
    assert child.status() == 0
    assert "drained" in child.said


def test_a_second_signal_ends_it_at_once(start: Start) -> None:
    child = start("--mode", "stuck")
    child.wait_for("running")
    child.process.terminate()
    child.wait_for("draining")
    child.process.terminate()
    assert child.status() == -signal.SIGTERM


def test_what_does_not_finish_in_time_is_cut_off_and_said(start: Start) -> None:
    child = start("--mode", "stuck", "--drain-s", "0.05")
    child.wait_for("running")
    child.process.terminate()
    assert child.status() == 1
    assert "did not finish in time" in child.said


def test_a_defect_is_logged_and_ends_with_1(start: Start) -> None:
    child = start("--mode", "fails")
    assert child.status() == 1
    assert "RuntimeError: a defect" in child.said


def test_an_end_that_nobody_asked_for_is_a_failure(start: Start) -> None:
    assert start("--mode", "ends").status() == 1


def test_settings_that_cannot_be_used_are_one_line_and_2(start: Start) -> None:
    child = start("--log-level", "loud")
    assert child.status() == 2
    assert child.said.startswith("consensus: log_level: ")
    assert child.said.count("\n") == 1


def test_a_file_that_the_settings_name_and_cannot_be_used_is_2_as_well(start: Start, tmp_path: Path) -> None:
    bad = tmp_path / "network.json"
    bad.write_text("{}")
    child = start("--network-file", str(bad))
    assert child.status() == 2
    assert f"consensus: network file {bad}: " in child.said
    assert "Traceback" not in child.said


def test_help_shows_the_settings_and_0(start: Start) -> None:
    child = start("--help")
    assert child.status() == 0
    assert "SSV_MODE" in child.said
    assert "How to behave" in child.said
