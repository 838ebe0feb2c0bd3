"""What a committee member, or a stranger, may send to break an instance."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libs.protocol.tests.qbft.simulation import (
    DOMAIN,
    FOUR,
    STRANGER,
    Network,
    message,
    prepare,
    prepared_round_change,
    proposal,
    refused,
    round_change,
    started,
)

from ssv_protocol.errors import Reason
from ssv_protocol.qbft.received import justification_bytes, value_root
from ssv_protocol.types.ids import CommitteeId, OperatorId, RsaSignature
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import MAX_PREPARE_JUSTIFICATION_BYTES, MAX_ROUND_CHANGE_JUSTIFICATION_BYTES
from ssv_protocol.types.roles import QbftMessageType, RunnerRole

ONE, TWO, THREE, LAST = FOUR
VALUE = b"value"


def claimed(signed: SignedSSVMessage, operator_id: OperatorId) -> SignedSSVMessage:
    """The message with another signer's name on it."""
    return replace(signed, operator_ids=(operator_id,))


def prepares() -> list[SignedSSVMessage]:
    return [prepare(item, VALUE) for item in (ONE, TWO, THREE)]


def test_a_stranger_in_a_justification() -> None:
    justified = prepared_round_change(ONE, 2, VALUE, [*prepares()[:2], prepare(STRANGER, VALUE)])
    assert refused(lambda: started(TWO).process(justified)) is Reason.SIGNER_NOT_IN_COMMITTEE


def test_a_forged_signature_in_a_justification() -> None:
    forged = claimed(prepare(ONE, VALUE), THREE)
    justified = prepared_round_change(ONE, 2, VALUE, [*prepares()[:2], forged])
    assert refused(lambda: started(TWO).process(justified)) is Reason.MESSAGE_SIGNATURE


def test_one_operators_prepare_thrice_is_no_quorum() -> None:
    justified = prepared_round_change(ONE, 2, VALUE, [prepare(ONE, VALUE)] * 3)
    assert refused(lambda: started(TWO).process(justified)) is Reason.JUSTIFICATION_NO_QUORUM


def test_a_forged_round_change_in_a_proposal() -> None:
    changes = [round_change(ONE, 2), round_change(TWO, 2), claimed(round_change(ONE, 2), THREE)]
    forged = proposal(TWO, VALUE, 2, changes)
    assert refused(lambda: started(THREE).process(forged)) is Reason.MESSAGE_SIGNATURE


# the same operators sit in other committees and have other roles, with consensus at the same height
ELSEWHERE = committee_message_id(DOMAIN, RunnerRole.COMMITTEE, CommitteeId(b"\x07" * 32))


def test_round_changes_of_another_consensus_justify_no_proposal() -> None:
    changes = [
        message(item, QbftMessageType.ROUND_CHANGE, round_=2, identifier=ELSEWHERE) for item in (ONE, THREE, LAST)
    ]
    stolen = proposal(TWO, VALUE, 2, changes)
    assert refused(lambda: started(THREE).process(stolen)) is Reason.MESSAGE_IDENTIFIER


def test_prepares_of_another_consensus_justify_nothing() -> None:
    root = value_root(VALUE)
    stolen = [message(item, QbftMessageType.PREPARE, root, identifier=ELSEWHERE) for item in (ONE, TWO, THREE)]
    justified = prepared_round_change(ONE, 2, VALUE, stolen)
    assert refused(lambda: started(TWO).process(justified)) is Reason.MESSAGE_IDENTIFIER
    changes = [prepared_round_change(item, 2, VALUE, prepares()) for item in (ONE, TWO, THREE)]
    forged = proposal(TWO, VALUE, 2, changes, stolen)
    assert refused(lambda: started(THREE).process(forged)) is Reason.PREPARE_INVALID


def test_a_forged_prepare_in_a_proposal() -> None:
    good = prepares()
    changes = [prepared_round_change(item, 2, VALUE, good) for item in (ONE, TWO, THREE)]
    forged = proposal(TWO, VALUE, 2, changes, [*good[:2], claimed(prepare(ONE, VALUE), THREE)])
    assert refused(lambda: started(THREE).process(forged)) is Reason.PREPARE_INVALID


def test_a_justification_inside_a_justification_inside_a_justification() -> None:
    deepest = message(ONE, QbftMessageType.PREPARE, value_root(VALUE), round_changes=[prepare(ONE, VALUE)])
    nested = message(ONE, QbftMessageType.PREPARE, value_root(VALUE), round_changes=[deepest])
    assert refused(lambda: started(TWO).process(prepared_round_change(ONE, 2, VALUE, [nested] * 3))) is not None


def test_votes_too_large_to_be_justifications_are_refused() -> None:
    junk = [prepare(ONE, VALUE)] * 13
    too_large = message(ONE, QbftMessageType.PREPARE, value_root(VALUE), round_changes=junk)
    assert len(too_large.encode()) > MAX_PREPARE_JUSTIFICATION_BYTES
    instance = started(TWO)
    instance.process(proposal(ONE, VALUE))
    assert refused(lambda: instance.process(too_large)) is Reason.MESSAGE_TOO_LARGE

    larger = message(ONE, QbftMessageType.ROUND_CHANGE, round_=2, round_changes=[too_large] * 13)
    assert len(larger.encode()) > MAX_ROUND_CHANGE_JUSTIFICATION_BYTES
    assert refused(lambda: instance.process(larger)) is Reason.MESSAGE_TOO_LARGE


@pytest.mark.parametrize(
    "signed",
    [
        prepare(ONE, VALUE),
        proposal(ONE, VALUE, 2, [round_change(ONE, 2)], prepares()),
        replace(prepare(ONE, VALUE), operator_ids=FOUR, signatures=(RsaSignature(b"short"),) * 4),
    ],
)
def test_the_size_that_is_computed_is_the_size_that_is_encoded(signed: SignedSSVMessage) -> None:
    assert justification_bytes(signed) == len(signed.without_full_data().encode())


def test_junk_in_an_unprepared_round_change_does_not_reach_the_leaders_proposal() -> None:
    instance = started(TWO)
    junk = message(ONE, QbftMessageType.ROUND_CHANGE, round_=2, round_changes=[round_change(ONE, 2)] * 13)
    instance.process(junk)
    instance.process(round_change(THREE, 2))
    (send,) = instance.process(round_change(LAST, 2))
    sent = send.draft.message  # type: ignore[union-attr]
    assert len(sent.round_change_justification) == 3
    assert sent.prepare_justification == ()
    assert sent.encode()


def test_rounds_beyond_the_cut_off_are_not_stored() -> None:
    instance = started(TWO)
    for round_ in range(13, 20):
        assert refused(partial(instance.process, round_change(ONE, round_))) is Reason.WRONG_ROUND
    assert instance.state.round_changes.by_round == {}


@st.composite
def corrupted(draw: st.DrawFn) -> SignedSSVMessage:
    """A valid message with some of its bytes changed, in the envelope or in the content."""
    good = prepares()
    changes = [prepared_round_change(item, 2, VALUE, good) for item in (ONE, TWO, THREE)]
    whole = [proposal(ONE, VALUE), *good, *changes, proposal(TWO, VALUE, 2, changes, good)]
    signed = draw(st.sampled_from(whole))
    data = bytearray(signed.ssv_message.data)
    for _ in range(draw(st.integers(1, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    content = replace(signed.ssv_message, data=bytes(data[: draw(st.sampled_from([len(data), len(data) // 2]))]))
    return replace(
        signed,
        ssv_message=content,
        operator_ids=tuple(draw(st.lists(st.sampled_from([*FOUR, STRANGER, OperatorId(0)]), max_size=4))),
        signatures=tuple(draw(st.lists(st.binary(max_size=256).map(RsaSignature), max_size=4)) or signed.signatures),
        full_data=draw(st.sampled_from([VALUE, b"", b"other"])),
    )


@settings(max_examples=100, deadline=None)
@given(signed=corrupted())
def test_whatever_comes_is_taken_or_refused_with_a_reason(signed: SignedSSVMessage) -> None:
    network = Network(honest=(THREE,))
    network.start(THREE, b"own")
    controller = network.controllers[THREE]
    controller.process(proposal(ONE, VALUE))
    before = controller.instances[:]
    reason = refused(partial(controller.process, signed))  # any other exception fails the test
    assert controller.instances == before
    assert reason is None or not network.decided
