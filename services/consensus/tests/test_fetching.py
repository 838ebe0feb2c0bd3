from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from services.consensus.tests.fake_time import now, run

from ssv_consensus.fetching import FETCH_RETRY_S, fetched, good_from
from ssv_consensus.ports import Handed
from ssv_protocol.effects import (
    Event,
    Fetch,
    FetchAggregate,
    FetchAttestationData,
    FetchBlock,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
    FetchedBlockRoot,
    FetchFailed,
    Submit,
)
from ssv_protocol.errors import SsvError
from ssv_protocol.types.ids import ZERO_ROOT, BlsSignature, Instant, Slot

SLOT = Slot(9)
DEADLINE, PATIENCE_S = Instant(12.0), 2.0
REVEAL = BlsSignature(bytes(96))
ROOT = FetchBlockRoot(SLOT, Instant(4.0))


@dataclass
class Node:
    """Answers from `from_s` on; before that it fails, or says nothing at all."""

    from_s: float = 0.0
    silent: bool = False
    asked_at: list[float] = field(default_factory=list)

    async def answer(self, question: Fetch) -> Event:
        self.asked_at.append(now())
        if self.silent:
            await asyncio.Event().wait()
        if now() < self.from_s:
            raise SsvError(f"failure {len(self.asked_at)}")
        return FetchedBlockRoot(ROOT, ZERO_ROOT)

    async def submit(self, slot: Slot, work: Submit) -> frozenset[Handed]:
        raise NotImplementedError


def ask(node: Node, question: Fetch) -> tuple[Event, float]:
    """Return what comes of a question that is put at time 0, and when."""

    async def scenario() -> tuple[Event, float]:
        return await fetched(node, question, now, DEADLINE, PATIENCE_S), now()

    return run(scenario)


def test_a_question_waits_until_its_answer_is_good() -> None:
    node = Node()
    event, at = ask(node, ROOT)
    assert event == FetchedBlockRoot(ROOT, ZERO_ROOT)
    assert at == pytest.approx(4.0)
    assert node.asked_at == [pytest.approx(4.0)]


def test_a_question_is_put_again_until_there_is_an_answer() -> None:
    node = Node(from_s=5.0)
    event, at = ask(node, ROOT)
    assert isinstance(event, FetchedBlockRoot)
    assert at == pytest.approx(5.0)
    assert len(node.asked_at) == 1 + round(1.0 / FETCH_RETRY_S)


@pytest.mark.parametrize(
    ("question", "until_s"),
    [
        (ROOT, 4.0 + PATIENCE_S),
        (FetchAggregate(SLOT, 0, Instant(8.0)), 8.0 + PATIENCE_S),
        (FetchAggregate(SLOT, 0, Instant(9.5)), DEADLINE - PATIENCE_S),
        (FetchAttestationData(SLOT), DEADLINE - PATIENCE_S),
        (FetchBlock(SLOT, REVEAL, b"", Instant(1.0)), DEADLINE - PATIENCE_S),
    ],
)
@pytest.mark.parametrize("silent", [True, False])
def test_what_is_of_no_use_any_more_is_given_up(question: Fetch, until_s: float, silent: bool) -> None:
    node = Node(from_s=float("inf"), silent=silent)
    event, at = ask(node, question)
    assert event == FetchFailed(question, "no answer in time" if silent else f"failure {len(node.asked_at)}")
    assert at == pytest.approx(until_s)


def test_a_question_that_comes_too_late_fails_at_once() -> None:
    late = FetchBlockRoot(SLOT, Instant(11.0))
    event, at = ask(Node(), late)
    assert isinstance(event, FetchFailed)
    assert at == pytest.approx(11.0)


def test_contributions_are_good_when_the_last_of_them_is() -> None:
    parts = tuple(FetchContribution(SLOT, index, ZERO_ROOT, Instant(7.0 + index)) for index in range(2))
    assert good_from(FetchContributions(parts, (REVEAL, REVEAL))) == 8.0
    assert good_from(FetchContributions((), ())) == 0.0
    assert good_from(FetchAttestationData(SLOT)) == 0.0
