from __future__ import annotations

import pytest
from libs.protocol.tests.signing.world import BOOLE_EPOCH, CHAIN, CLOCK, NETWORK, SLOTS_PER_EPOCH, message_id, root_of

from ssv_protocol.signing import partial_signatures
from ssv_protocol.signing.records import PartialSignaturesRecord, ShareSigning
from ssv_protocol.signing.verdict import Approved, DenialReason, Denied
from ssv_protocol.types.ids import BlsPublicKey, MessageId, Slot, ValidatorIndex
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.partial_signatures import MAX_PARTIAL_SIGNATURES
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole

PUBKEY = BlsPublicKey(b"\xab" * 48)
POST = PartialSignatureType.POST_CONSENSUS
EXIT = PartialSignatureType.VOLUNTARY_EXIT


def item(index: int, value: bytes = b"a") -> ShareSigning:
    return ShareSigning(ValidatorIndex(index), BlsPublicKey(bytes([index % 256]) * 48), root_of(value))


def batch(*items: ShareSigning, slot: int = CLOCK, kind: PartialSignatureType = POST) -> PartialSignaturesRecord:
    return PartialSignaturesRecord(Slot(slot), kind, items)


def validator(role: RunnerRole) -> MessageId:
    return validator_message_id(NETWORK.domain_at(CLOCK), role, PUBKEY)


def judge(
    wanted: PartialSignaturesRecord,
    record: PartialSignaturesRecord | None = None,
    identifier: MessageId | None = None,
) -> Approved[PartialSignaturesRecord] | Denied:
    return partial_signatures.check(NETWORK, record, identifier or message_id(), wanted, CLOCK)


def test_the_first_batch_is_recorded() -> None:
    assert judge(batch(item(1), item(2))) == Approved(batch(item(1), item(2)))


@pytest.mark.parametrize(
    "asked",
    [
        batch(item(1), item(2)),
        batch(item(2), item(1)),
        batch(item(1)),
        batch(item(1, b"b")),
        batch(item(1), item(2), item(3)),
        batch(),
    ],
    ids=["Same", "OtherOrder", "Fewer", "OtherRoot", "More", "None"],
)
def test_the_batch_on_record_is_the_answer_whatever_is_asked(asked: PartialSignaturesRecord) -> None:
    record = batch(item(1), item(2))
    assert judge(asked, record) == Approved(record)


CASES: list[tuple[str, PartialSignaturesRecord, MessageId, DenialReason | None]] = [
    ("Empty", batch(), message_id(), DenialReason.NOTHING_TO_SIGN),
    ("OldestSlot", batch(item(1), slot=CLOCK - 34), message_id(), None),
    ("TooOld", batch(item(1), slot=CLOCK - 35), message_id(), DenialReason.TOO_OLD),
    ("LatestSlot", batch(item(1), slot=CLOCK + SLOTS_PER_EPOCH), message_id(), None),
    ("FarFuture", batch(item(1), slot=CLOCK + SLOTS_PER_EPOCH + 1), message_id(), DenialReason.FAR_FUTURE),
    ("OldExit", batch(item(1), slot=0, kind=EXIT), validator(RunnerRole.VOLUNTARY_EXIT), None),
    (
        "FarFutureExit",
        batch(item(1), slot=CLOCK + SLOTS_PER_EPOCH + 1, kind=EXIT),
        validator(RunnerRole.VOLUNTARY_EXIT),
        DenialReason.FAR_FUTURE,
    ),
    (
        "OldRegistration",
        batch(item(1), slot=0, kind=PartialSignatureType.VALIDATOR_REGISTRATION),
        validator(RunnerRole.VALIDATOR_REGISTRATION),
        None,
    ),
    (
        "OldRandao",
        batch(item(1), slot=CLOCK - 35, kind=PartialSignatureType.RANDAO),
        validator(RunnerRole.PROPOSER),
        DenialReason.TOO_OLD,
    ),
    ("ExitOfCommittee", batch(item(1), slot=0, kind=EXIT), message_id(), DenialReason.WRONG_ROLE),
    ("PostConsensusOfExit", batch(item(1)), validator(RunnerRole.VOLUNTARY_EXIT), DenialReason.WRONG_ROLE),
    ("Padding", batch(item(1)), MessageId(message_id()[:8] + bytes([1]) + message_id()[9:]), DenialReason.MALFORMED),
    ("FullMessage", batch(*[item(1)] * MAX_PARTIAL_SIGNATURES), message_id(), None),
    ("OverfullMessage", batch(*[item(1)] * (MAX_PARTIAL_SIGNATURES + 1)), message_id(), DenialReason.MALFORMED),
]


@pytest.mark.parametrize(
    ("wanted", "identifier", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_named_cases(wanted: PartialSignaturesRecord, identifier: MessageId, reason: DenialReason | None) -> None:
    verdict = judge(wanted, identifier=identifier)
    assert (verdict.reason if isinstance(verdict, Denied) else None) == reason


def test_every_role_that_decides_sends_post_consensus_signatures() -> None:
    validators = (RunnerRole.PROPOSER, RunnerRole.AGGREGATOR, RunnerRole.SYNC_COMMITTEE_CONTRIBUTION)
    boole = CHAIN.first_slot(BOOLE_EPOCH)
    duties = [(message_id(), CLOCK), *((validator(role), CLOCK) for role in validators)]
    duties.append((message_id(RunnerRole.AGGREGATOR_COMMITTEE, boole), boole))
    for identifier, slot in duties:
        assert partial_signatures.check_duty(NETWORK, identifier, slot, POST, slot) is None


def test_what_is_too_old_is_not_repeated_either() -> None:
    record = batch(item(1), slot=CLOCK - 35)
    verdict = judge(record, record)
    assert isinstance(verdict, Denied)
    assert verdict.reason == DenialReason.TOO_OLD
