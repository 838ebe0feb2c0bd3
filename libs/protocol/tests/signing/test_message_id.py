from __future__ import annotations

import pytest
from libs.protocol.tests.signing.world import BOOLE_EPOCH, CHAIN, CLOCK, COMMITTEE, NETWORK

from ssv_protocol.networks import LOCAL_ALAN_DOMAIN, LOCAL_BOOLE_DOMAIN, MAINNET
from ssv_protocol.signing import message_id as message_ids
from ssv_protocol.signing.verdict import DenialReason
from ssv_protocol.types.ids import BlsPublicKey, DomainType, MessageId, Slot
from ssv_protocol.types.message_id import committee_message_id, validator_message_id
from ssv_protocol.types.roles import RunnerRole

PUBKEY = BlsPublicKey(b"\xab" * 48)
ALAN, BOOLE = CLOCK, CHAIN.first_slot(BOOLE_EPOCH)


def committee(domain: DomainType, role: RunnerRole = RunnerRole.COMMITTEE) -> MessageId:
    return committee_message_id(domain, role, COMMITTEE)


def validator(domain: DomainType, role: RunnerRole) -> MessageId:
    return validator_message_id(domain, role, PUBKEY)


GOOD = committee(LOCAL_ALAN_DOMAIN)
CASES: list[tuple[str, MessageId, Slot, DenialReason | None]] = [
    ("Committee", GOOD, ALAN, None),
    ("ProposerUnderAlan", validator(LOCAL_ALAN_DOMAIN, RunnerRole.PROPOSER), ALAN, None),
    ("AggregatorUnderAlan", validator(LOCAL_ALAN_DOMAIN, RunnerRole.AGGREGATOR), ALAN, None),
    ("AggregatorUnderBoole", validator(LOCAL_BOOLE_DOMAIN, RunnerRole.AGGREGATOR), BOOLE, DenialReason.WRONG_ROLE),
    ("LastSlotOfAlan", GOOD, Slot(BOOLE - 1), None),
    ("AlanDomainUnderBoole", GOOD, BOOLE, DenialReason.WRONG_DOMAIN),
    ("BooleDomainUnderAlan", committee(LOCAL_BOOLE_DOMAIN), ALAN, DenialReason.WRONG_DOMAIN),
    ("BooleDomainUnderBoole", committee(LOCAL_BOOLE_DOMAIN), BOOLE, None),
    ("OtherNetwork", committee(MAINNET.alan_domain), ALAN, DenialReason.WRONG_DOMAIN),
    (
        "AggregatorCommitteeUnderAlan",
        committee(LOCAL_ALAN_DOMAIN, RunnerRole.AGGREGATOR_COMMITTEE),
        ALAN,
        DenialReason.WRONG_ROLE,
    ),
    (
        "AggregatorCommitteeUnderBoole",
        committee(LOCAL_BOOLE_DOMAIN, RunnerRole.AGGREGATOR_COMMITTEE),
        BOOLE,
        None,
    ),
    ("UnknownRole", committee(LOCAL_ALAN_DOMAIN, RunnerRole.UNKNOWN), ALAN, DenialReason.WRONG_ROLE),
    ("Padding", MessageId(GOOD[:8] + b"\x01" + GOOD[9:]), ALAN, DenialReason.MALFORMED),
    ("Short", MessageId(GOOD[:-1]), ALAN, DenialReason.MALFORMED),
]


@pytest.mark.parametrize(("candidate", "slot", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_named_cases(candidate: MessageId, slot: Slot, reason: DenialReason | None) -> None:
    denied = message_ids.check(NETWORK, candidate, slot)
    assert (denied.reason if denied else None) == reason
