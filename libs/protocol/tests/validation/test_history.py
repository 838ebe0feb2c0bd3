"""The memory of what peers have brought stays within its bounds, and forgets the right things."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.signing.world import CHAIN, CLOCK, SLOTS_PER_EPOCH, message_id
from libs.protocol.tests.validation.gossip_world import VALUE, Consensus, ears, validator_id

from ssv_protocol.types.ids import Height, Instant, MessageId, OperatorId, Root, Round, Slot
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import QbftMessageType, RunnerRole
from ssv_protocol.validation.history import Histories, MessageHistory
from ssv_protocol.validation.slot_rules import life_slots
from ssv_protocol.validation.verdict import Accept, Ignore

COMMIT = QbftMessageType.COMMIT
KEEP = 10


def message(slot: int, round_: int = 1, kind: int = COMMIT) -> QbftMessage:
    return QbftMessage(kind, Height(slot), Round(round_), b"", Root(bytes(32)))


def told(histories: Histories, peer: bytes, duty: int, slot: int, at: float = 0.0, signer: int = 1) -> None:
    """Remember a message of a duty as validation does."""
    brought = histories.of(peer)
    history = brought.begin(MessageId(duty.to_bytes(56, "big")), Instant(at))
    history.note_consensus((OperatorId(signer),), message(slot), KEEP)
    brought.end(history)
    histories.keep_bounds(peer)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 40), st.integers(1, 4)), max_size=80))
def test_records_are_counted_and_never_more_than_allowed(steps: list[tuple[int, int, int, int]]) -> None:
    histories = Histories(records_of_peer=12, records=20)
    for at, (peer, duty, slot, signer) in enumerate(steps):
        told(histories, bytes([peer]), duty, slot, at, signer)
        counted = [
            sum(len(slots) for history in brought.by_id.values() for slots in history.slots.values())
            for brought in histories.by_peer.values()
        ]
        assert counted == [brought.records for brought in histories.by_peer.values()]
        assert max(counted) <= 12
        assert histories.records == sum(counted) <= 20


def test_of_a_signer_the_slots_that_can_still_come_are_kept() -> None:
    history = MessageHistory()
    for slot in (1, 5, 11, 12):
        history.note_consensus((OperatorId(1),), message(slot), KEEP)
        history.note_consensus((OperatorId(1), OperatorId(2), OperatorId(3)), message(slot), KEEP)
    assert history.slots_of(OperatorId(1)) == history.slots_of(OperatorId(3)) == {5, 11, 12}
    assert set(history.decisions) == {5, 11, 12}
    assert history.records == 3 * 3 + 3


def test_the_duty_that_was_not_touched_for_longest_goes_first() -> None:
    histories = Histories(records_of_peer=2)
    for at, duty in enumerate((1, 2, 1, 3)):
        told(histories, b"peer", duty, slot=at, at=at)
    kept = [int.from_bytes(each, "big") for each in histories.of(b"peer").by_id]
    assert kept == [3]  # the first had two slots by then, and went before them


def test_over_all_peers_the_one_that_brought_most_loses() -> None:
    histories = Histories(records=4)
    for duty in range(3):
        told(histories, b"loud", duty, 1)
    told(histories, b"quiet", 1, 1)
    told(histories, b"new", 1, 1)
    assert {peer: brought.records for peer, brought in histories.by_peer.items()} == {
        b"loud": 2,
        b"quiet": 1,
        b"new": 1,
    }


def test_what_was_not_touched_since_is_forgotten_and_its_peer_too() -> None:
    histories = Histories()
    told(histories, b"gone", 1, 1, at=5.0)
    told(histories, b"here", 1, 1, at=5.0)
    told(histories, b"here", 2, 1, at=9.0)
    histories.of(b"silent")
    histories.forget_before(Instant(6.0))
    assert {peer: len(brought.by_id) for peer, brought in histories.by_peer.items()} == {b"here": 1}
    assert histories.records == 1


def test_a_new_round_begins_empty_and_an_old_one_changes_nothing() -> None:
    history = MessageHistory()
    signer = OperatorId(1)
    history.note_consensus((signer,), message(1, 1, QbftMessageType.PROPOSAL), KEEP)
    history.note_consensus((signer,), message(1, 3), KEEP)
    history.note_consensus((signer,), message(1, 2, QbftMessageType.PREPARE), KEEP)
    record = history.record(signer, Slot(1))
    assert record is not None
    assert (record.round, record.proposal, record.has_said(COMMIT)) == (3, None, True)
    assert not record.has_said(QbftMessageType.PREPARE)


def test_a_decision_says_nothing_of_its_signers_rounds() -> None:
    node = ears()
    assert isinstance(node.hear(Consensus(COMMIT, round=2, signers=(1, 2, 3), full_data=VALUE).signed()), Accept)
    assert isinstance(node.hear(Consensus(COMMIT).signed()), Accept)


def test_an_hour_of_one_duty_needs_no_more_memory_than_an_epoch() -> None:
    node = ears()
    sizes = []
    for slot in range(CLOCK, CLOCK + 6 * SLOTS_PER_EPOCH, 4):
        at = Instant(CHAIN.slot_start(Slot(slot)) + 1.0)
        answer = node.hear(Consensus(slot=Slot(slot)).signed(), at=at)
        assert isinstance(answer, Accept | Ignore)
        sizes.append(node.histories.records)
    assert max(sizes) <= life_slots(CHAIN, message_role(message_id()))
    assert life_slots(CHAIN, message_role(validator_id(RunnerRole.PROPOSER))) == 3
