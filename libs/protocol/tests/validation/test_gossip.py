"""Every rule has a message that breaks it alone, and a neighbour that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.signing.world import (
    BOOLE_EPOCH,
    CHAIN,
    CLOCK,
    COMMITTEE,
    NETWORK,
    OPERATORS,
    SLOTS_PER_EPOCH,
    keys,
    message_id,
)
from libs.protocol.tests.validation.gossip_world import (
    LIQUIDATED,
    LIQUIDATED_OPERATORS,
    NOW,
    STRANGER,
    TOPIC,
    VALUE,
    Consensus,
    Partials,
    directory,
    signed,
    validator_id,
    with_data,
)

from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Instant, MessageId, OperatorId, RsaSignature, Slot
from ssv_protocol.types.message_id import committee_message_id, validator_message_id
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import MsgType, PartialSignatureType, QbftMessageType, RunnerRole
from ssv_protocol.validation.gossip import validate
from ssv_protocol.validation.limits import MAX_MESSAGE_BYTES
from ssv_protocol.validation.topology import topic_at
from ssv_protocol.validation.verdict import EXPLANATIONS, Accept, GossipReason, GossipVerdict, Ignore, Reject

COMMIT, PROPOSAL, CHANGE = QbftMessageType.COMMIT, QbftMessageType.PROPOSAL, QbftMessageType.ROUND_CHANGE
DOMAIN = NETWORK.domain_at(CLOCK)
BOOLE_SLOT = CHAIN.first_slot(BOOLE_EPOCH)


def check(message: SignedSSVMessage | bytes, topic: str = TOPIC, at: Instant = NOW) -> GossipVerdict:
    data = message if isinstance(message, bytes) else message.encode()
    return validate(NETWORK, directory(), topic, data, at)


def justification() -> bytes:
    return Consensus().signed().encode()


GOOD: dict[str, Callable[[], SignedSSVMessage]] = {
    "proposal": lambda: Consensus(PROPOSAL, full_data=VALUE).signed(),
    "justified proposal": lambda: Consensus(
        PROPOSAL, full_data=VALUE, round_changes=(justification(),), prepares=(justification(),)
    ).signed(),
    "prepare": lambda: Consensus().signed(),
    "commit": lambda: Consensus(COMMIT).signed(),
    "decided": lambda: Consensus(COMMIT, signers=(1, 2, 3), full_data=VALUE).signed(),
    "decided by all": lambda: Consensus(COMMIT, signers=(1, 2, 3, 4)).signed(),
    "round change": lambda: Consensus(CHANGE, round_changes=(justification(),)).signed(),
    "post consensus": lambda: Partials().signed(),
    "randao": lambda: Partials(
        PartialSignatureType.RANDAO, identifier=validator_id(RunnerRole.PROPOSER), count=1
    ).signed(),
    "exit": lambda: Partials(
        PartialSignatureType.VOLUNTARY_EXIT, identifier=validator_id(RunnerRole.VOLUNTARY_EXIT), count=1
    ).signed(),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_messages_are_accepted(name: str) -> None:
    assert check(GOOD[name]()) == Accept(COMMITTEE, CLOCK)


def other_id(domain: bytes = DOMAIN, role: int = 0, executor: bytes = bytes(16) + COMMITTEE) -> MessageId:
    return MessageId(domain + role.to_bytes(4, "little") + executor)


def resigned(message: SignedSSVMessage, *signers: int) -> SignedSSVMessage:
    """Sign with the keys of others than the envelope names."""
    return replace(message, signatures=tuple(keys()[OperatorId(key)].sign(message.ssv_message) for key in signers))


Bad = tuple[Callable[[], SignedSSVMessage | bytes], type[Ignore] | type[Reject]]

BAD: dict[GossipReason, list[Bad]] = {
    GossipReason.EMPTY: [(lambda: b"", Reject)],
    GossipReason.TOO_LARGE: [(lambda: bytes(MAX_MESSAGE_BYTES + 1), Ignore)],
    GossipReason.UNDECODABLE: [
        (lambda: b"\x00" * 100, Reject),
        (lambda: justification() + b"\x00" * 9_000_000, Reject),
        (lambda: justification()[:-1], Reject),
    ],
    GossipReason.NO_SIGNERS: [(lambda: replace(Consensus().signed(), operator_ids=()), Reject)],
    GossipReason.NO_SIGNATURES: [(lambda: replace(Consensus().signed(), signatures=()), Reject)],
    GossipReason.SIGNATURE_SIZE: [
        (lambda size=size: replace(Consensus().signed(), signatures=(RsaSignature(bytes(size)),)), Reject)  # type: ignore[misc]
        for size in (0, 255)
    ],
    GossipReason.SIGNATURE_COUNT: [
        (lambda: replace(Consensus(COMMIT, signers=(1, 2, 3)).signed(), operator_ids=(OperatorId(1),)), Reject)
    ],
    GossipReason.ZERO_SIGNER: [(lambda: Consensus(signers=(0,)).signed(), Reject)],
    GossipReason.DUPLICATE_SIGNER: [(lambda: Consensus(COMMIT, signers=(1, 2, 2)).signed(), Reject)],
    GossipReason.SIGNER_ORDER: [(lambda: Consensus(COMMIT, signers=(1, 3, 2)).signed(), Reject)],
    GossipReason.NO_DATA: [(lambda: with_data(Consensus().signed(), b""), Reject)],
    GossipReason.DATA_TOO_LARGE: [(lambda: Partials(count=5_040).signed(), Reject)],
    GossipReason.MESSAGE_TYPE: [
        (lambda kind=kind: signed(b"content", kind), Reject)  # type: ignore[misc]
        for kind in (MsgType.DKG, 3, 2**64 - 1)
    ],
    GossipReason.UNKNOWN_ROLE: [
        (lambda role=role: Consensus(outer_id=other_id(role=role)).signed(), Reject)  # type: ignore[misc]
        for role in (7, 0xFFFFFFFF)
    ],
    GossipReason.UNKNOWN_COMMITTEE: [
        (
            lambda: Consensus(
                outer_id=committee_message_id(DOMAIN, RunnerRole.COMMITTEE, CommitteeId(b"\x07" * 32))
            ).signed(),
            Ignore,
        )
    ],
    GossipReason.UNKNOWN_VALIDATOR: [
        (
            lambda: Consensus(
                outer_id=validator_message_id(DOMAIN, RunnerRole.PROPOSER, BlsPublicKey(b"\x07" * 48))
            ).signed(),
            Ignore,
        )
    ],
    GossipReason.LIQUIDATED: [
        (lambda: Consensus(outer_id=validator_id(RunnerRole.PROPOSER, key=LIQUIDATED)).signed(), Ignore),
        (
            lambda: Consensus(
                outer_id=committee_message_id(DOMAIN, RunnerRole.COMMITTEE, next(iter(liquidated_committees())))
            ).signed(),
            Ignore,
        ),
    ],
    GossipReason.UNKNOWN_OPERATOR: [
        (lambda: Consensus(signers=(77,)).signed(), Ignore),
        (lambda: Consensus(COMMIT, signers=(1, 2, 77)).signed(), Ignore),
    ],
    GossipReason.SIGNER_NOT_IN_COMMITTEE: [
        (lambda: Consensus(signers=(STRANGER,)).signed(), Reject),
        (lambda: Partials(signers=(STRANGER,), inner_signer=STRANGER).signed(), Reject),
    ],
    GossipReason.SIGNATURE: [
        (lambda: resigned(Consensus().signed(), 2), Reject),
        (lambda: resigned(Consensus(COMMIT, signers=(1, 2, 3)).signed(), 1, 2, 4), Reject),
        (lambda: resigned(Partials().signed(), STRANGER), Reject),
    ],
    GossipReason.WRONG_DOMAIN: [
        (lambda: Consensus(outer_id=other_id(b"\x00\x00\x00\x01")).signed(), Ignore),
        (lambda: Consensus(outer_id=message_id(slot=BOOLE_SLOT)).signed(), Ignore),
    ],
    GossipReason.ROLE_OF_OTHER_FORK: [
        (lambda: Consensus(outer_id=message_id(RunnerRole.AGGREGATOR_COMMITTEE)).signed(), Reject)
    ],
    GossipReason.COMMITTEE_PADDING: [
        (lambda: Consensus(outer_id=other_id(executor=b"\x01" * 16 + COMMITTEE)).signed(), Ignore)
    ],
    GossipReason.CONSENSUS_UNDECODABLE: [(lambda: signed(b"\x00" * 80), Reject)],
    GossipReason.CONSENSUS_ROLE: [
        (lambda role=role: Consensus(outer_id=validator_id(role)).signed(), Reject)  # type: ignore[misc]
        for role in (RunnerRole.VALIDATOR_REGISTRATION, RunnerRole.VOLUNTARY_EXIT)
    ],
    GossipReason.CONSENSUS_TYPE: [(lambda: Consensus(4).signed(), Reject)],
    GossipReason.ZERO_ROUND: [(lambda: Consensus(round=0).signed(), Reject)],
    GossipReason.IDENTIFIER: [
        (lambda: Consensus(inner_id=validator_id(RunnerRole.PROPOSER)).signed(), Reject),
        (lambda: Consensus(inner_id=MessageId(b"")).signed(), Reject),
    ],
    GossipReason.SEVERAL_SIGNERS: [
        (lambda: Consensus(signers=(1, 2, 3)).signed(), Reject),
        (lambda: Partials(signers=(1, 2, 3)).signed(), Reject),
    ],
    GossipReason.NO_QUORUM: [(lambda: Consensus(COMMIT, signers=(1, 2)).signed(), Reject)],
    GossipReason.UNEXPECTED_FULL_DATA: [
        (lambda: Consensus(full_data=VALUE).signed(), Reject),
        (lambda: Consensus(COMMIT, full_data=VALUE).signed(), Reject),
        (lambda: Partials(full_data=VALUE).signed(), Reject),
    ],
    GossipReason.FULL_DATA_ROOT: [
        (lambda: Consensus(PROPOSAL, full_data=b"another").signed(), Reject),
        (lambda: Consensus(COMMIT, signers=(1, 2, 3), full_data=b"another").signed(), Reject),
    ],
    GossipReason.UNEXPECTED_JUSTIFICATION: [
        (lambda: Consensus(prepares=(justification(),)).signed(), Reject),
        (lambda: Consensus(CHANGE, prepares=(justification(),)).signed(), Reject),
        (lambda: Consensus(COMMIT, round_changes=(justification(),)).signed(), Reject),
    ],
    GossipReason.JUSTIFICATION_UNDECODABLE: [
        (lambda: Consensus(PROPOSAL, prepares=(b"\x01",)).signed(), Reject),
        (lambda: Consensus(CHANGE, round_changes=(b"\x01",)).signed(), Reject),
    ],
    GossipReason.PARTIALS_UNDECODABLE: [(lambda: signed(b"\x00" * 21, MsgType.PARTIAL_SIGNATURE), Reject)],
    GossipReason.PARTIALS_TYPE: [
        (lambda: Partials(PartialSignatureType.RANDAO).signed(), Reject),
        (lambda: Partials(identifier=validator_id(RunnerRole.VOLUNTARY_EXIT)).signed(), Reject),
        (lambda: Partials(7).signed(), Reject),
    ],
    GossipReason.PARTIALS_EMPTY: [(lambda: Partials(count=0).signed(), Reject)],
    GossipReason.PARTIALS_TOO_MANY: [(lambda: Partials(count=1_513).signed(), Reject)],
    GossipReason.PARTIALS_SIGNER: [(lambda: Partials(inner_signer=2).signed(), Reject)],
}


def liquidated_committees() -> list[CommitteeId]:
    return [known.committee_id for known in directory().committees.values() if not known.active]


@pytest.mark.parametrize(
    ("reason", "case"), [(reason, case) for reason, cases in BAD.items() for case in range(len(cases))]
)
def test_bad_messages_are_refused_for_the_right_reason(reason: GossipReason, case: int) -> None:
    make, verdict = BAD[reason][case]
    answer = check(make())
    assert isinstance(answer, verdict)
    assert answer.reason is reason


def test_a_message_on_another_committees_topic_is_ignored() -> None:
    answer = check(Consensus().signed(), "ssv.v2.1")
    assert isinstance(answer, Ignore)
    assert answer.reason is GossipReason.WRONG_TOPIC


def test_nothing_is_blamed_while_the_registry_is_unknown() -> None:
    for data in (b"", b"junk", Consensus().signed().encode()):
        assert validate(NETWORK, None, TOPIC, data, NOW) == Ignore(GossipReason.NO_REGISTRY)


START = CHAIN.slot_start(CLOCK)
EPOCH_LIFE_S = (SLOTS_PER_EPOCH + 2) * CHAIN.slot_duration_s
SHORT_LIFE_S = 3 * CHAIN.slot_duration_s


@pytest.mark.parametrize(
    ("name", "after_start_s", "reason"),
    [
        ("prepare", -0.06, GossipReason.TOO_EARLY),
        ("prepare", -0.04, None),
        ("prepare", EPOCH_LIFE_S + 3.04, None),
        ("prepare", EPOCH_LIFE_S + 3.06, GossipReason.TOO_LATE),
        ("randao", SHORT_LIFE_S + 3.04, None),
        ("randao", SHORT_LIFE_S + 3.06, GossipReason.TOO_LATE),
        ("exit", -0.06, GossipReason.TOO_EARLY),
        ("exit", 1_000_000.0, None),
    ],
)
def test_the_window_of_a_slot(name: str, after_start_s: float, reason: GossipReason | None) -> None:
    answer = check(GOOD[name](), at=Instant(START + after_start_s))
    if reason is None:
        assert isinstance(answer, Accept)
    else:
        assert isinstance(answer, Ignore)
        assert answer.reason is reason


def test_a_slot_beyond_all_time_is_early() -> None:
    answer = check(Consensus(slot=Slot(2**64 - 1), outer_id=message_id(slot=BOOLE_SLOT)).signed(), BOOLE_TOPIC)
    assert isinstance(answer, Ignore)
    assert answer.reason is GossipReason.TOO_EARLY


BOOLE_TOPIC = topic_at(NETWORK, BOOLE_SLOT, OPERATORS)
BOOLE_NOW = Instant(CHAIN.slot_start(BOOLE_SLOT) + 1.0)


def test_after_the_fork_its_own_topic_roles_and_sizes_hold() -> None:
    aggregators = message_id(RunnerRole.AGGREGATOR_COMMITTEE, BOOLE_SLOT)
    batch = Partials(PartialSignatureType.AGGREGATOR_COMMITTEE, BOOLE_SLOT, 5_048, aggregators).signed()
    assert check(batch, BOOLE_TOPIC, BOOLE_NOW) == Accept(COMMITTEE, BOOLE_SLOT)
    assert check(Consensus(slot=BOOLE_SLOT).signed(), TOPIC, BOOLE_NOW).__class__ is Ignore


def test_every_reason_of_the_rules_has_a_case_and_every_reason_an_explanation() -> None:
    elsewhere = {
        GossipReason.PUBSUB_SIGNATURE,  # the gateway's own rules
        GossipReason.PUBSUB_AUTHOR,
        GossipReason.PUBSUB_TOPICS,
        GossipReason.FAULT,
        GossipReason.NO_REGISTRY,  # tests of their own, above
        GossipReason.WRONG_TOPIC,
        GossipReason.TOO_EARLY,
        GossipReason.TOO_LATE,
    }
    assert set(BAD) | elsewhere == set(GossipReason)
    assert set(EXPLANATIONS) == set(GossipReason)


@given(st.binary(max_size=600))
def test_noise_is_refused_and_never_raises(data: bytes) -> None:
    assert isinstance(check(data), Reject)


@given(st.integers(min_value=0), st.integers(0, 255))
def test_no_changed_byte_is_accepted(position: int, value: int) -> None:
    data = bytearray(GOOD["decided"]().encode())
    position %= len(data)
    changed = data[position] != value
    data[position] = value
    assert isinstance(check(bytes(data)), Accept) is not changed


def test_the_liquidated_committee_is_of_other_operators() -> None:
    assert set(LIQUIDATED_OPERATORS) != set(OPERATORS)
