"""Rules that need nothing but the message and the registry: 1 to 38, 48 to 55, 61 to 64."""

from __future__ import annotations

from dataclasses import replace

from libs.protocol.tests.signing.world import BOOLE_EPOCH, CHAIN, CLOCK, COMMITTEE, message_id
from libs.protocol.tests.validation.cases import DOMAIN, IGNORE, REJECT, Case, other_id, resigned
from libs.protocol.tests.validation.good_messages import (
    CHANGE,
    COMMIT,
    CONTRIBUTOR,
    EXIT,
    PROOFS,
    PROPOSAL,
    PROPOSER,
    RANDAO,
    REGISTRATION,
    justification,
    lone,
    proposal,
)
from libs.protocol.tests.validation.gossip_world import (
    LIQUIDATED,
    STRANGER,
    VALIDATOR,
    VALUE,
    Consensus,
    Partials,
    directory,
    knowledge,
    leader,
    signed,
    validator_id,
    with_data,
)

from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, OperatorId, RsaSignature
from ssv_protocol.types.message_id import committee_message_id, validator_message_id
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole
from ssv_protocol.validation.beacon_facts import BeaconFacts, BeaconValidator
from ssv_protocol.validation.incoming import Knowledge
from ssv_protocol.validation.limits import LAST_ROUND, MAX_MESSAGE_BYTES
from ssv_protocol.validation.verdict import GossipReason

R = GossipReason
BOOLE_SLOT = CHAIN.first_slot(BOOLE_EPOCH)
POST = PartialSignatureType.POST_CONSENSUS


def emptied() -> Knowledge:
    """The committee has lost its validators, which the registry cannot say."""
    known = replace(directory().committees[COMMITTEE], validators=())
    return replace(knowledge(), directory=replace(directory(), committees={COMMITTEE: known}))


def status(activation: int, exit_: int) -> Knowledge:
    now = BeaconValidator(knowledge().beacon.validators[VALIDATOR].index, Epoch(activation), Epoch(exit_))
    return replace(knowledge(), beacon=replace(knowledge().beacon, validators={VALIDATOR: now}))


def without_beacon() -> Knowledge:
    return replace(knowledge(), beacon=BeaconFacts())


def liquidated_committee() -> CommitteeId:
    (found,) = [known.committee_id for known in directory().committees.values() if not known.active]
    return found


def of_committee(committee: CommitteeId) -> Consensus:
    return Consensus(outer_id=committee_message_id(DOMAIN, RunnerRole.COMMITTEE, committee))


NOW_EPOCH = CHAIN.epoch_of(CLOCK)

ENVELOPE = [
    Case(1, REJECT, R.EMPTY, lambda: b""),
    Case(2, IGNORE, R.TOO_LARGE, lambda: bytes(MAX_MESSAGE_BYTES + 1)),
    Case(3, REJECT, R.UNDECODABLE, lambda: b"\x00" * 100),
    Case(3, REJECT, R.UNDECODABLE, lambda: justification() + b"\x00" * 9_000_000),
    Case(3, REJECT, R.UNDECODABLE, lambda: justification()[:-1]),
    Case(4, REJECT, R.NO_SIGNERS, lambda: replace(Consensus().signed(), operator_ids=())),
    Case(5, REJECT, R.NO_SIGNATURES, lambda: replace(Consensus().signed(), signatures=())),
    Case(6, REJECT, R.SIGNATURE_SIZE, lambda: replace(Consensus().signed(), signatures=(RsaSignature(b""),))),
    Case(6, REJECT, R.SIGNATURE_SIZE, lambda: replace(Consensus().signed(), signatures=(RsaSignature(bytes(255)),))),
    Case(7, REJECT, R.SIGNER_ORDER, lambda: Consensus(COMMIT, signers=(1, 3, 2)).signed()),
    Case(
        8,
        REJECT,
        R.SIGNATURE_COUNT,
        lambda: replace(Consensus(COMMIT, signers=(1, 2, 3)).signed(), operator_ids=(OperatorId(1),)),
    ),
    Case(9, REJECT, R.ZERO_SIGNER, lambda: Consensus(signers=(0,)).signed()),
    Case(10, REJECT, R.DUPLICATE_SIGNER, lambda: Consensus(COMMIT, signers=(1, 2, 2)).signed()),
    Case(11, IGNORE, R.UNKNOWN_OPERATOR, lambda: Consensus(signers=(77,)).signed()),
    Case(11, IGNORE, R.UNKNOWN_OPERATOR, lambda: Consensus(COMMIT, signers=(1, 2, 77)).signed()),
    # an envelope whose offsets leave no room for an SSVMessage
    Case(12, REJECT, R.UNDECODABLE, lambda: b"".join(offset.to_bytes(4, "little") for offset in (16, 16, 16, 16))),
    Case(13, REJECT, R.NO_DATA, lambda: with_data(Consensus().signed(), b"")),
    Case(14, REJECT, R.DATA_TOO_LARGE, lambda: with_data(Consensus().signed(), bytes(722_413))),
    Case(15, REJECT, R.EVENT_MESSAGE, lambda: signed(b"content", 200)),
    *[Case(15, REJECT, R.MESSAGE_TYPE, lambda kind=kind: signed(b"content", kind)) for kind in (2, 3, 2**64 - 1)],  # type: ignore[misc]
    Case(16, IGNORE, R.WRONG_DOMAIN, lambda: Consensus(outer_id=other_id(b"\x00\x00\x00\x01")).signed()),
    Case(16, IGNORE, R.WRONG_DOMAIN, lambda: Consensus(outer_id=message_id(slot=BOOLE_SLOT)).signed()),
    Case(16, IGNORE, R.WRONG_DOMAIN, lambda: signed(b"other words", identifier=other_id(b"\x00\x00\x00\x01"))),
    *[
        Case(17, REJECT, R.UNKNOWN_ROLE, lambda role=role: Consensus(outer_id=other_id(role=role)).signed())  # type: ignore[misc]
        for role in (7, 0xFFFFFFFF)
    ],
    Case(
        17,
        REJECT,
        R.ROLE_OF_OTHER_FORK,
        lambda: Consensus(outer_id=message_id(RunnerRole.AGGREGATOR_COMMITTEE)).signed(),
    ),
    Case(
        0, IGNORE, R.COMMITTEE_PADDING, lambda: Consensus(outer_id=other_id(executor=b"\x01" * 16 + COMMITTEE)).signed()
    ),
]

WHOSE = [
    Case(18, IGNORE, R.UNKNOWN_COMMITTEE, lambda: of_committee(CommitteeId(b"\x07" * 32)).signed()),
    Case(19, REJECT, R.NO_VALIDATORS, lambda: Consensus().signed(), known=emptied),
    Case(
        20,
        IGNORE,
        R.UNKNOWN_VALIDATOR,
        lambda: Consensus(outer_id=validator_message_id(DOMAIN, PROPOSER, BlsPublicKey(b"\x07" * 48))).signed(),
    ),
    Case(21, IGNORE, R.LIQUIDATED, lambda: Consensus(outer_id=validator_id(PROPOSER, key=LIQUIDATED)).signed()),
    Case(21, IGNORE, R.LIQUIDATED, lambda: of_committee(liquidated_committee()).signed()),
    Case(22, IGNORE, R.NO_INDEX, lambda: lone(RANDAO, PROPOSER), known=without_beacon),
    *[
        Case(23, IGNORE, R.NOT_ATTESTING, lambda: lone(RANDAO, PROPOSER), known=lambda span=span: status(*span))  # type: ignore[misc]
        for span in ((NOW_EPOCH + 1, 2**64 - 1), (0, NOW_EPOCH))
    ],
    Case(24, REJECT, R.SIGNER_NOT_IN_COMMITTEE, lambda: Consensus(signers=(STRANGER,)).signed()),
    Case(
        24,
        REJECT,
        R.SIGNER_NOT_IN_COMMITTEE,
        lambda: Partials(signers=(STRANGER,), inner_signer=STRANGER).signed(),
    ),
    Case(25, IGNORE, R.WRONG_TOPIC, lambda: Consensus().signed(), topic="ssv.v2.1"),
]

CONSENSUS = [
    Case(26, REJECT, R.CONSENSUS_UNDECODABLE, lambda: signed(b"\x00" * 8 + CLOCK.to_bytes(8, "little") + bytes(64))),
    Case(26, REJECT, R.CONSENSUS_UNDECODABLE, lambda: signed(b"short")),
    Case(27, REJECT, R.SEVERAL_SIGNERS, lambda: Consensus(signers=(1, 2, 3)).signed()),
    Case(28, REJECT, R.NO_QUORUM, lambda: Consensus(COMMIT, signers=(1, 2)).signed()),
    Case(29, REJECT, R.UNEXPECTED_FULL_DATA, lambda: Consensus(full_data=VALUE).signed()),
    Case(29, REJECT, R.UNEXPECTED_FULL_DATA, lambda: Consensus(COMMIT, full_data=VALUE).signed()),
    Case(30, REJECT, R.FULL_DATA_ROOT, lambda: proposal(full_data=b"another")),
    Case(30, REJECT, R.FULL_DATA_ROOT, lambda: Consensus(COMMIT, signers=(1, 2, 3), full_data=b"another").signed()),
    Case(31, REJECT, R.CONSENSUS_TYPE, lambda: Consensus(4).signed()),
    Case(32, REJECT, R.ZERO_ROUND, lambda: Consensus(round=0).signed()),
    *[
        Case(33, REJECT, R.CONSENSUS_ROLE, lambda role=role: Consensus(outer_id=validator_id(role)).signed())  # type: ignore[misc]
        for role in (REGISTRATION, EXIT)
    ],
    Case(34, IGNORE, R.LATE_ROUND, lambda: Consensus(round=LAST_ROUND[RunnerRole.COMMITTEE] + 1).signed()),
    Case(34, IGNORE, R.LATE_ROUND, lambda: Consensus(round=7, outer_id=validator_id(PROPOSER)).signed()),
    Case(35, REJECT, R.IDENTIFIER, lambda: Consensus(inner_id=validator_id(PROPOSER)).signed()),
    Case(35, REJECT, R.IDENTIFIER, lambda: Consensus(inner_id=other_id()[:0]).signed()),  # type: ignore[arg-type]
    Case(36, REJECT, R.UNEXPECTED_JUSTIFICATION, lambda: Consensus(prepares=(justification(),)).signed()),
    Case(36, REJECT, R.UNEXPECTED_JUSTIFICATION, lambda: Consensus(CHANGE, prepares=(justification(),)).signed()),
    Case(36, REJECT, R.JUSTIFICATION_UNDECODABLE, lambda: proposal(prepares=(b"\x01",))),
    Case(37, REJECT, R.UNEXPECTED_JUSTIFICATION, lambda: Consensus(COMMIT, round_changes=(justification(),)).signed()),
    Case(37, REJECT, R.JUSTIFICATION_UNDECODABLE, lambda: Consensus(CHANGE, round_changes=(b"\x01",)).signed()),
    Case(38, REJECT, R.LEADER, lambda: proposal(signers=(leader(round_=2),))),
    Case(38, REJECT, R.LEADER, lambda: Consensus(PROPOSAL, round=2, full_data=VALUE, signers=(leader(),)).signed()),
    Case(48, REJECT, R.SIGNATURE, lambda: resigned(Consensus().signed(), 2)),
    Case(0, IGNORE, R.NO_FULL_DATA, lambda: proposal(full_data=b"")),
    Case(0, IGNORE, R.NO_FULL_DATA, lambda: Consensus(CHANGE, round=2, data_round=1).signed()),
    Case(0, IGNORE, R.NO_FULL_DATA, lambda: Consensus(COMMIT, signers=(1, 2, 3)).signed()),
    Case(
        48,
        REJECT,
        R.SIGNATURE,
        lambda: resigned(Consensus(COMMIT, signers=(1, 2, 3), full_data=VALUE).signed(), 1, 2, 4),
    ),
]

PARTIALS = [
    Case(49, REJECT, R.DATA_TOO_LARGE, lambda: Partials(count=1_051).signed()),
    Case(49, REJECT, R.PARTIALS_UNDECODABLE, lambda: with_data(Partials().signed(), b"\x00" * 21)),
    Case(50, REJECT, R.SEVERAL_SIGNERS, lambda: Partials(signers=(1, 2, 3)).signed()),
    Case(51, REJECT, R.UNEXPECTED_FULL_DATA, lambda: Partials(full_data=VALUE).signed()),
    Case(52, REJECT, R.PARTIALS_TYPE, lambda: Partials(7).signed()),
    Case(53, REJECT, R.PARTIALS_OF_OTHER_ROLE, lambda: Partials(RANDAO).signed()),
    Case(53, REJECT, R.PARTIALS_OF_OTHER_ROLE, lambda: lone(POST, EXIT)),
    Case(53, REJECT, R.PARTIALS_OF_OTHER_ROLE, lambda: lone(PROOFS, PROPOSER)),
    Case(54, REJECT, R.PARTIALS_EMPTY, lambda: Partials(count=0).signed()),
    Case(55, REJECT, R.PARTIALS_SIGNER, lambda: Partials(inner_signer=2).signed()),
    Case(56, IGNORE, R.OTHER_INDEX, lambda: lone(RANDAO, PROPOSER, index=8)),
    Case(61, REJECT, R.PARTIALS_TOO_MANY, lambda: Partials(count=3, step=1).signed()),
    Case(
        63, REJECT, R.PARTIALS_TOO_MANY, lambda: Partials(RANDAO, identifier=validator_id(PROPOSER), count=2).signed()
    ),
    Case(
        63,
        REJECT,
        R.PARTIALS_TOO_MANY,
        lambda: Partials(PROOFS, identifier=validator_id(CONTRIBUTOR), count=14).signed(),
    ),
    Case(64, REJECT, R.SIGNATURE, lambda: resigned(Partials().signed(), STRANGER)),
]

CASES = [*ENVELOPE, *WHOSE, *CONSENSUS, *PARTIALS]
