from __future__ import annotations

import pytest
from libs.protocol.tests.signing.world import CLOCK, Decision, message_id, qbft_draft, vote_for

from ssv_api.v1 import signer_pb2 as pb
from ssv_consensus.ports import Failed, NothingSigned, Refusal, Signed
from ssv_consensus.sign_wire import request_of, verdict_of
from ssv_protocol.effects import PostConsensusDraft
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, QbftMessageType

VALUE = vote_for(CLOCK).encode()
DECIDED = Decision(VALUE).signed()
LEFT_OUT = [
    pb.DeniedDuty(validator_index=7, duty_type=0, denied=pb.Denied(reason="waiting", detail="epoch 9")),
    pb.DeniedDuty(validator_index=7, duty_type=3, denied=pb.Denied(reason="duty_slot")),
    pb.DeniedDuty(validator_index=7, duty_type=99, denied=pb.Denied(reason="duty_type")),
]
REFUSALS = (
    Refusal(BeaconRole.ATTESTER, ValidatorIndex(7), Denied(DenialReason.WAITING, "epoch 9")),
    Refusal(BeaconRole.SYNC_COMMITTEE, ValidatorIndex(7), Denied(DenialReason.DUTY_SLOT)),
    Refusal(None, ValidatorIndex(7), Denied(DenialReason.DUTY_TYPE)),
)


def test_a_qbft_draft_travels_whole() -> None:
    draft = qbft_draft(QbftMessageType.PROPOSAL, 1, VALUE)
    request = request_of(draft)
    assert QbftMessage.decode(request.qbft.message) == draft.message
    assert request.qbft.full_data == VALUE


def test_a_post_consensus_draft_travels_with_its_evidence() -> None:
    duty = ValidatorDuty(BeaconRole.ATTESTER, BlsPublicKey(bytes(48)), CLOCK, ValidatorIndex(3), 1, 64, 4, 5)
    draft = PostConsensusDraft(message_id(), CLOCK, DECIDED, (duty,))
    request = request_of(draft).post_consensus
    assert (request.message_id, request.slot) == (draft.message_id, CLOCK)
    assert SignedSSVMessage.decode(request.decided) == DECIDED
    assert [ValidatorDuty.decode(each) for each in request.duties] == [duty]


def test_a_signed_message_comes_with_who_was_left_out() -> None:
    answer = pb.SignResponse(signed=pb.Signed(message=DECIDED.encode(), denied=LEFT_OUT))
    assert verdict_of(answer) == Signed(DECIDED, REFUSALS)


def test_two_refused_objects_of_one_validator_stay_two() -> None:
    """As a validator that neither attests nor signs for the sync committee."""
    answer = pb.SignResponse(denied=pb.Denied(reason="waiting", duties=LEFT_OUT))
    assert verdict_of(answer) == NothingSigned(REFUSALS)
    assert len({(each.duty_type, each.validator_index) for each in REFUSALS}) == 3


@pytest.mark.parametrize("reason", DenialReason)
def test_every_reason_is_understood(reason: DenialReason) -> None:
    assert verdict_of(pb.SignResponse(denied=pb.Denied(reason=reason))) == Denied(reason)


def test_a_reason_of_a_newer_signer_is_a_refusal_all_the_same() -> None:
    verdict = verdict_of(pb.SignResponse(denied=pb.Denied(reason="of_next_year", detail="fence 3")))
    assert verdict == Denied(DenialReason.MALFORMED, "of_next_year: fence 3")


@pytest.mark.parametrize(
    "answer",
    [
        pb.SignResponse(failed=pb.Failed(reason="database")),
        pb.SignResponse(signed=pb.Signed(message=b"nonsense")),
        pb.SignResponse(),
    ],
)
def test_everything_else_is_a_failure(answer: pb.SignResponse) -> None:
    assert isinstance(verdict_of(answer), Failed)
