"""The trial of mutants inside of pytest: tests are collected once, each mutant meets them in a forked process.

First every test runs unchanged, and it is noted which functions of the modules each of them calls. A mutant then
meets the tests that call its function, the quickest first, until one fails; one of a table meets those that call
anything in its file, or have it by name. Before all mutants the tests run in that order without any, and must pass.
Too much CPU time counts as a failure, whatever the load of the machine.

Not guaranteed: that tests which draw random values meet a mutant with the values they draw elsewhere; here their
seeds are fixed, so that a trial can be repeated.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FrameType

import pytest
from hypothesis import Phase, settings

from tests.mutants.mutant import Mutant

_SURVIVED, _KILLED, _BROKEN = 0, 1, 2


@dataclass
class Trial:
    """A pytest plugin. `outcome` is told "killed", "timed out" or "survived" of each mutant."""

    mutants: list[Mutant]
    cpu_limit_s: int
    outcome: Callable[[Mutant, str], None]
    _calls: dict[pytest.Item, set[tuple[str, str]]] = field(default_factory=dict)
    _seconds: dict[pytest.Item, float] = field(default_factory=dict)
    _failed: list[str] = field(default_factory=list)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Fix what tests draw, before they are collected; a failure is not to be made small."""
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", deadline=None, derandomize=True, database=None, phases=phases)
        settings.load_profile("mutants")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note failures."""
        if report.failed:
            self._failed.append(report.nodeid)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run everything unchanged, then try the mutants."""
        if session.testsfailed:
            raise session.Interrupted("tests could not be collected")
        files = {mutant.module.__file__ for mutant in self.mutants}
        for place, item in enumerate(session.items):
            self._observe(item, session.items[place + 1] if place + 1 < len(session.items) else None, files)
        if self._failed:
            print("these fail without any mutant:", *self._failed)
            raise session.Interrupted("the tests fail")
        if self._meet(None) != "survived":
            raise session.Interrupted("the tests fail in a forked process, without any mutant")
        for mutant in self.mutants:
            self.outcome(mutant, self._meet(mutant))
        return True

    def _observe(self, item: pytest.Item, following: pytest.Item | None, files: Iterable[str | None]) -> None:
        calls: set[tuple[str, str]] = set()

        def note(frame: FrameType, event: str, _: object) -> None:
            if event == "call" and frame.f_code.co_filename in files:
                calls.add((frame.f_code.co_filename, frame.f_code.co_qualname))

        begin = time.process_time()
        sys.setprofile(note)
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        finally:
            sys.setprofile(None)
        self._calls[item] = calls
        self._seconds[item] = time.process_time() - begin

    def _tests_of(self, mutant: Mutant | None) -> list[pytest.Item]:
        """Return the tests that can notice the mutant, quickest first; all of them for none."""
        if mutant is None:
            return sorted(self._calls, key=self._seconds.__getitem__)
        file = mutant.module.__file__
        found = [
            item
            for item, calls in self._calls.items()
            if any(name == file and mutant.function in ("", function) for name, function in calls)
            or (not mutant.function and _reads_tables(item, mutant))
        ]
        return sorted(found, key=self._seconds.__getitem__)

    def _meet(self, mutant: Mutant | None) -> str:
        process_id = os.fork()
        if process_id == 0:
            self._run_and_exit(mutant)
        _, status = os.waitpid(process_id, 0)
        if os.WIFSIGNALED(status):
            return "timed out" if os.WTERMSIG(status) == signal.SIGXCPU else "killed"
        code = os.WEXITSTATUS(status)
        if code == _BROKEN:
            raise RuntimeError(f"cannot be applied: {mutant}")
        return "survived" if code == _SURVIVED else "killed"

    def _run_and_exit(self, mutant: Mutant | None) -> None:
        code = _BROKEN
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            # the child's own CPU time begins at 0
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CPU, (self.cpu_limit_s, self.cpu_limit_s + 5))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if mutant is not None:
                mutant.apply()
            code = _SURVIVED
            for item in self._tests_of(mutant):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
                if self._failed:
                    code = _KILLED
                    break
        finally:
            os._exit(code)


def _reads_tables(item: pytest.Item, mutant: Mutant) -> bool:
    """Tell whether the test's module has a table of the mutant's module."""
    tables = {name: value for name, value in vars(mutant.module).items() if isinstance(value, dict | frozenset)}
    test = vars(item.module) if isinstance(item, pytest.Function) else {}
    return any(test.get(name) is value for name, value in tables.items() if not name.startswith("__"))
