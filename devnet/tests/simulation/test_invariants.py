"""The checkers can fail: committees that are broken on purpose are caught, each by the check that is there for it."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from ssv_devnet.committee.local_signer import SignResult
from ssv_devnet.simulation.byzantine import Misdeed
from ssv_devnet.simulation.invariants import (
    agreement,
    equivocations,
    progress,
    slashable,
    unslashable_shares,
    unslashable_validators,
    violations,
)
from ssv_devnet.simulation.run import simulate
from ssv_devnet.simulation.scenario import Scenario
from ssv_devnet.simulation.weather import Weather
from ssv_devnet.simulation.witness import WitnessedSigner
from ssv_protocol.effects import PostConsensusDraft
from ssv_protocol.types.beacon.attestation import AttestationData, Checkpoint
from ssv_protocol.types.ids import ZERO_ROOT, Epoch, MessageId, OperatorId, Root, Slot
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType

SEED = 5
ROOT_A, ROOT_B = Root(b"\xaa" * 32), Root(b"\xbb" * 32)
MESSAGE = MessageId(bytes(56))


class ForgetfulSigner(WitnessedSigner):
    """Signs by the rules, and forgets what it signed."""

    def _sign_post_consensus(self, draft: PostConsensusDraft, clock: Slot) -> SignResult:
        attestations = dict(self._attestations)
        result = super()._sign_post_consensus(draft, clock)
        self._attestations = attestations
        return result


class QuorumOfTwo(CommitteeMember):
    """Believes that two of four decide."""

    __slots__ = ()

    @property
    def quorum(self) -> int:
        return 2


def believes_two(member: CommitteeMember) -> CommitteeMember:
    return QuorumOfTwo(*(getattr(member, field.name) for field in fields(member)))


def test_a_signer_without_memory_is_caught() -> None:
    scenario = Scenario(SEED, slots=32, moving_duties=True)
    assert not violations(simulate(scenario))
    outcome = simulate(replace(scenario, signer=ForgetfulSigner))
    assert unslashable_shares(outcome)
    assert unslashable_validators(outcome)
    assert not agreement(outcome)


def test_a_quorum_of_two_is_caught() -> None:
    scenario = Scenario(SEED, slots=24, byzantine=OperatorId(1), misdeeds=(Misdeed.EQUIVOCATE,))
    assert not violations(simulate(scenario))
    assert agreement(simulate(replace(scenario, seat_of=believes_two)))


@pytest.mark.parametrize(
    ("misdeed", "rule", "broken"),
    [
        (Misdeed.FORGED_DECISION, "ssv_protocol.crypto.rsa.verify", True),
        (Misdeed.FORGED_JUSTIFICATION, "ssv_protocol.qbft.proposal.check_justification", None),
        (Misdeed.BAD_VALUE, "ssv_protocol.runners.beacon_vote_check.BeaconVoteCheck.__call__", None),
        (Misdeed.SHARES_OVER_ANOTHER_ROOT, "ssv_protocol.crypto.bls.verify_batch", True),
    ],
)
def test_a_rule_that_is_not_kept_is_caught(
    misdeed: Misdeed, rule: str, broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = Scenario(
        SEED,
        slots=32,
        validators=4,
        weather=Weather(delay_s=(0.0, 0.2)),
        byzantine=OperatorId(2),
        misdeeds=(misdeed,),
    )
    assert not violations(simulate(scenario))
    monkeypatch.setattr(rule, lambda *_, **__: broken)
    assert violations(simulate(scenario))


def test_a_broken_promise_is_caught() -> None:
    outcome = simulate(Scenario(SEED, slots=16))
    assert not progress(outcome)
    assert outcome.world.included
    outcome.world.included.clear()
    assert len(progress(outcome)) == len(outcome.promised)


def test_a_signature_that_no_decision_explains_is_caught() -> None:
    outcome = simulate(Scenario(SEED, slots=10))
    assert not unslashable_shares(outcome)
    outcome.witness.share_signatures.add((OperatorId(1), outcome.world.sync_validator, ROOT_A))
    assert unslashable_shares(outcome)


def test_nothing_is_promised_to_two_dead_operators_or_in_a_storm() -> None:
    assert not Scenario(SEED, dead=frozenset({OperatorId(1), OperatorId(2)})).tolerable
    assert not Scenario(SEED, dead=frozenset({OperatorId(1)}), byzantine=OperatorId(2)).tolerable
    assert Scenario(SEED, dead=frozenset({OperatorId(1)})).tolerable
    storm = Weather(storm_share=1.0)
    assert not storm.is_calm(SEED, Slot(3))


def vote(source: int, target: int, head: Root = ROOT_A) -> AttestationData:
    return AttestationData(Slot(0), 0, head, Checkpoint(Epoch(source), ZERO_ROOT), Checkpoint(Epoch(target), ZERO_ROOT))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (vote(1, 2), vote(1, 2), False),
        (vote(1, 2), vote(1, 2, ROOT_B), True),
        (vote(0, 2), vote(1, 2), True),
        (vote(1, 2), vote(2, 3), False),
        (vote(1, 2), vote(1, 3), False),
        (vote(0, 5), vote(1, 4), True),
        (vote(1, 4), vote(0, 5), True),
        (vote(1, 4), vote(1, 5), False),
        (vote(0, 3), vote(1, 4), False),
    ],
)
def test_slashable(one: AttestationData, other: AttestationData, expected: bool) -> None:
    assert slashable(one, other) is expected


def message(
    kind: QbftMessageType, round_: int, root: Root = ROOT_A, prepared_round: int = 0, height: int = 9
) -> SSVMessage:
    content = QbftMessage(kind, height, round_, MESSAGE, root, prepared_round)  # type: ignore[arg-type]
    return SSVMessage(MsgType.CONSENSUS, MESSAGE, content.encode())


PROPOSAL, PREPARE, COMMIT, ROUND_CHANGE = QbftMessageType


@pytest.mark.parametrize(
    ("messages", "faults"),
    [
        ([message(PREPARE, 1), message(COMMIT, 1), message(PREPARE, 1)], 0),
        ([message(PREPARE, 1), message(PREPARE, 2, ROOT_B)], 0),
        ([message(PREPARE, 1), message(PREPARE, 1, ROOT_B, height=10)], 0),
        ([message(PREPARE, 1), message(COMMIT, 1, ROOT_B)], 1),
        ([message(PROPOSAL, 1), message(PREPARE, 1, ROOT_B)], 1),
        ([message(PREPARE, 1), message(PREPARE, 1, prepared_round=3)], 1),
        ([message(PREPARE, 1), message(PREPARE, 1, ROOT_B)], 2),
        ([message(COMMIT, 1), message(ROUND_CHANGE, 2, ROOT_A, 1)], 0),
        ([message(COMMIT, 1), message(ROUND_CHANGE, 3, ROOT_B, 2)], 0),
        ([message(COMMIT, 1), message(ROUND_CHANGE, 2, ZERO_ROOT)], 1),
        ([message(COMMIT, 1), message(ROUND_CHANGE, 2, ROOT_B, 1)], 1),
        ([message(ROUND_CHANGE, 2, ZERO_ROOT), message(ROUND_CHANGE, 2, ROOT_A, 1)], 1),
        ([message(ROUND_CHANGE, 2, ZERO_ROOT), message(COMMIT, 2)], 0),
    ],
)
def test_equivocations(messages: list[SSVMessage], faults: int) -> None:
    assert len(equivocations(OperatorId(1), messages)) == faults


def test_two_batches_of_share_signatures_for_one_duty_are_an_equivocation() -> None:
    def batch(slot: int, rest: bytes) -> SSVMessage:
        return SSVMessage(MsgType.PARTIAL_SIGNATURE, MESSAGE, bytes(8) + slot.to_bytes(8, "little") + rest)

    assert not equivocations(OperatorId(1), [batch(3, b"a"), batch(4, b"b"), batch(3, b"a")])
    assert equivocations(OperatorId(1), [batch(3, b"a"), batch(3, b"b")])
