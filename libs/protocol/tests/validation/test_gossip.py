"""Validation as a whole: unknown registry, windows of time, forks, own messages, stale knowledge, noise."""

from __future__ import annotations

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
    message_id,
)
from libs.protocol.tests.validation import cases_of_past
from libs.protocol.tests.validation.cases import Case, resigned
from libs.protocol.tests.validation.good_messages import GOOD, proposal
from libs.protocol.tests.validation.gossip_world import (
    LIQUIDATED_OPERATORS,
    NOW,
    STRANGER,
    TOPIC,
    Consensus,
    Ears,
    Partials,
    ears,
    knowledge,
    leader,
)

from ssv_protocol.types.ids import Instant, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole
from ssv_protocol.validation.beacon_facts import BeaconFacts
from ssv_protocol.validation.gossip import validate_own
from ssv_protocol.validation.history import Histories
from ssv_protocol.validation.rules import RULES
from ssv_protocol.validation.topology import topic_at
from ssv_protocol.validation.verdict import Accept, GossipReason, GossipVerdict, Ignore, Reject

BOOLE_SLOT = CHAIN.first_slot(BOOLE_EPOCH)


def check(message: SignedSSVMessage | bytes, topic: str = TOPIC, at: Instant = NOW) -> GossipVerdict:
    return ears().hear(message, topic, at)


def test_nothing_is_blamed_while_the_registry_is_unknown() -> None:
    for data in (b"", b"junk", Consensus().signed().encode()):
        assert Ears(None, Histories()).hear(data) == Ignore(GossipReason.NO_REGISTRY)
        assert validate_own(None, Histories(), TOPIC, data, NOW) == Ignore(GossipReason.NO_REGISTRY)


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
    batch = Partials(PartialSignatureType.AGGREGATOR_COMMITTEE, BOOLE_SLOT, 5, aggregators).signed()
    assert check(batch, BOOLE_TOPIC, BOOLE_NOW) == Accept(COMMITTEE, BOOLE_SLOT)
    assert check(Consensus(slot=BOOLE_SLOT).signed(), TOPIC, BOOLE_NOW).__class__ is Ignore


def test_a_stale_registry_blames_nobody_for_what_it_may_not_know() -> None:
    stale = replace(knowledge(), registry_is_fresh=False)
    for message in (Consensus(signers=(STRANGER,)).signed(), proposal(signers=(leader(round_=2),))):
        fresh, spared = ears().hear(message), ears(stale).hear(message)
        assert isinstance(fresh, Reject)
        assert spared == Ignore(fresh.reason, fresh.detail, spared=True)
    assert isinstance(ears(stale).hear(resigned(Consensus().signed(), 2)), Reject)


@pytest.mark.parametrize("kind", GOOD)
def test_own_messages_may_be_published_again_whatever_the_chain_is_known_to_want(kind: str) -> None:
    data = GOOD[kind]().encode()
    unlearned = replace(knowledge(), beacon=BeaconFacts())
    histories = Histories()
    for _ in range(2):
        assert validate_own(unlearned, histories, TOPIC, data, NOW) == Accept(COMMITTEE, CLOCK)


def test_own_messages_are_not_published_when_no_peer_would_take_them() -> None:
    assert isinstance(
        validate_own(knowledge(), Histories(), TOPIC, resigned(Consensus().signed(), 2).encode(), NOW), Reject
    )
    assert isinstance(validate_own(knowledge(), Histories(), TOPIC, b"", NOW), Reject)


CONTRADICTIONS = [case for case in cases_of_past.REPEATED if RULES[case.reason].of_author]


def name(case: Case) -> str:
    return f"{case.rule}-{case.reason}"


@pytest.mark.parametrize("case", CONTRADICTIONS, ids=name)
def test_of_a_contradiction_the_author_is_blamed_and_nobody_who_forwards_it(case: Case) -> None:
    node = Ears(case.known(), Histories())
    for make in case.before:
        assert isinstance(node.hear(make(), at=case.at, is_author=False), Accept)
    blamed, spared = (node.hear(case.make(), at=case.at, is_author=is_author) for is_author in (True, False))
    assert isinstance(blamed, Reject)
    assert spared == Ignore(case.reason, blamed.detail, spared=True)


@pytest.mark.parametrize("case", CONTRADICTIONS, ids=name)
def test_what_contradicts_what_another_peer_brought_is_for_the_workers_and_not_for_peers(case: Case) -> None:
    node = Ears(case.known(), Histories())
    for make in case.before:
        assert node.hear(make(), at=case.at, peer=b"one") == Accept(COMMITTEE, CLOCK, forward=True)
    assert node.hear(case.make(), at=case.at, peer=b"another") == Accept(COMMITTEE, CLOCK, forward=False)
    assert isinstance(node.hear(case.make(), at=case.at, peer=b"another"), Reject)


@pytest.mark.parametrize("case", CONTRADICTIONS, ids=name)
def test_what_contradicts_an_own_message_is_not_forwarded(case: Case) -> None:
    node = Ears(case.known(), Histories())
    for make in case.before:
        own = make()
        data = own if isinstance(own, bytes) else own.encode()
        assert isinstance(validate_own(node.knowledge, node.histories, TOPIC, data, case.at), Accept)
    assert node.hear(case.make(), at=case.at) == Accept(COMMITTEE, CLOCK, forward=False)


@pytest.mark.parametrize("kind", GOOD)
def test_a_message_is_forwarded_once_however_many_bring_it(kind: str) -> None:
    node = ears()
    answers = [node.hear(GOOD[kind](), peer=peer) for peer in (b"one", b"another")]
    assert answers == [Accept(COMMITTEE, CLOCK), Accept(COMMITTEE, CLOCK, forward=False)]


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
