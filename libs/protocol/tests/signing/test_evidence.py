from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.signing.world import CLOCK, NETWORK, Decision, member, message_id, root_of, vote_for

from ssv_protocol.signing.evidence import decided_value
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import OperatorId, RsaSignature, Slot
from ssv_protocol.types.message_id import committee_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType, RunnerRole

GOOD = Decision(vote_for(CLOCK).encode())
OTHER_COMMITTEE = committee_message_id(
    NETWORK.domain_at(CLOCK), RunnerRole.COMMITTEE, committee_id([OperatorId(n) for n in (5, 6, 7, 8)])
)
OTHER_ROLE = message_id(RunnerRole.AGGREGATOR_COMMITTEE)


@pytest.mark.parametrize("signers", [(1, 2, 3), (2, 3, 4), (1, 2, 3, 4), (4, 1, 3)])
def test_a_quorum_decides(signers: tuple[int, ...]) -> None:
    decided = replace(GOOD, signers=signers).signed()
    assert decided_value(member(), message_id(), CLOCK, decided) == GOOD.value


CASES: list[tuple[str, Decision, DenialReason]] = [
    ("TooFewSigners", replace(GOOD, signers=(1, 2)), DenialReason.EVIDENCE_NO_QUORUM),
    ("SameSignerTwice", replace(GOOD, signers=(1, 2, 2)), DenialReason.EVIDENCE_MALFORMED),
    ("SignerZero", replace(GOOD, signers=(0, 1, 2), sign_as=(1, 1, 2)), DenialReason.EVIDENCE_MALFORMED),
    ("ForeignSigner", replace(GOOD, signers=(1, 2, 9)), DenialReason.EVIDENCE_SIGNATURE),
    ("ForeignSignerBelowQuorum", replace(GOOD, signers=(1, 9)), DenialReason.EVIDENCE_SIGNATURE),
    ("ForeignSignerAboveQuorum", replace(GOOD, signers=(1, 2, 3, 9)), DenialReason.EVIDENCE_SIGNATURE),
    ("OneKeyForAll", replace(GOOD, sign_as=(1, 1, 1)), DenialReason.EVIDENCE_SIGNATURE),
    ("OneBadAboveQuorum", replace(GOOD, signers=(1, 2, 3, 4), sign_as=(1, 2, 3, 9)), DenialReason.EVIDENCE_SIGNATURE),
    ("RoundZero", replace(GOOD, at_round=0), DenialReason.EVIDENCE_MALFORMED),
    ("Prepare", replace(GOOD, kind=QbftMessageType.PREPARE), DenialReason.EVIDENCE_NOT_COMMIT),
    ("RoundChange", replace(GOOD, kind=QbftMessageType.ROUND_CHANGE), DenialReason.EVIDENCE_NOT_COMMIT),
    ("PartialSignature", replace(GOOD, msg_type=MsgType.PARTIAL_SIGNATURE), DenialReason.EVIDENCE_NOT_COMMIT),
    ("OtherHeight", replace(GOOD, slot=Slot(CLOCK - 1)), DenialReason.EVIDENCE_OTHER_DUTY),
    ("OtherOuterId", replace(GOOD, outer_id=OTHER_ROLE), DenialReason.EVIDENCE_OTHER_DUTY),
    ("OtherInnerId", replace(GOOD, inner_id=OTHER_ROLE), DenialReason.EVIDENCE_OTHER_DUTY),
    ("OtherIds", replace(GOOD, inner_id=OTHER_ROLE, outer_id=OTHER_ROLE), DenialReason.EVIDENCE_OTHER_DUTY),
    ("OtherRoot", replace(GOOD, root=root_of(b"other")), DenialReason.EVIDENCE_VALUE),
    ("NoValue", Decision(b"", root=root_of(GOOD.value)), DenialReason.EVIDENCE_VALUE),
]


@pytest.mark.parametrize(("decision", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_named_cases(decision: Decision, reason: DenialReason) -> None:
    denied = decided_value(member(), message_id(), CLOCK, decision.signed())
    assert isinstance(denied, Denied)
    assert denied.reason == reason


def tampered(**changes: object) -> SignedSSVMessage:
    return replace(GOOD.signed(), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("decided", "reason"),
    [
        (tampered(signatures=GOOD.signed().signatures[:2]), DenialReason.EVIDENCE_MALFORMED),
        (tampered(signatures=(RsaSignature(b""),) * 3), DenialReason.EVIDENCE_MALFORMED),
        (tampered(signatures=(RsaSignature(bytes(256)),) * 3), DenialReason.EVIDENCE_SIGNATURE),
        (tampered(full_data=vote_for(CLOCK, head=8).encode()), DenialReason.EVIDENCE_VALUE),
        (
            tampered(ssv_message=replace(GOOD.signed().ssv_message, data=b"\x00")),
            DenialReason.EVIDENCE_MALFORMED,
        ),
    ],
    ids=["SignatureMissing", "SignaturesEmpty", "SignaturesZero", "ValueExchanged", "NoQbftMessage"],
)
def test_tampered_envelopes(decided: SignedSSVMessage, reason: DenialReason) -> None:
    denied = decided_value(member(), message_id(), CLOCK, decided)
    assert isinstance(denied, Denied)
    assert denied.reason == reason


def test_the_keys_must_be_those_of_the_committee() -> None:
    decided = replace(GOOD, inner_id=OTHER_COMMITTEE, outer_id=OTHER_COMMITTEE).signed()
    denied = decided_value(member(), OTHER_COMMITTEE, CLOCK, decided)
    assert isinstance(denied, Denied)
    assert denied.reason == DenialReason.EVIDENCE_OTHER_COMMITTEE


@pytest.mark.parametrize("byte", [b"\x00", b"\x01"], ids=["NoKeyOnRecord", "NotParsable"])
def test_a_registry_key_that_is_no_key_is_a_denial(byte: bytes) -> None:
    broken = replace(member().committee[0], public_key=byte * 459)
    committee = replace(member(), committee=(broken, *member().committee[1:]))
    denied = decided_value(committee, message_id(), CLOCK, GOOD.signed())
    assert isinstance(denied, Denied)
    assert denied.reason == DenialReason.EVIDENCE_SIGNATURE
