from __future__ import annotations

import dataclasses

import pytest
from tests.support.gateway_messages import network_from_now
from tests.support.gateway_operators import registry_state

from ssv_p2p_gateway.gossip.message_rate import committee_messages_per_epoch, topic_messages_per_epoch
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import OperatorId, Slot
from ssv_protocol.validation.topology import topic_at

CHAIN = dataclasses.replace(network_from_now().chain, slot_duration_s=12.0, slots_per_epoch=32)


def test_one_validator_of_four_operators() -> None:
    attestation = 15.0  # messages of one committee duty: 1 + 4 + 4 + 2 of consensus, 4 of partial signatures
    sync = 31 * 512 / 1_000_000 * attestation
    others = (16 / (1_000_000 / 2048) + 32 / 1_000_000 + 32 * 512 / 1_000_000 * 16 / 128) * 19
    assert committee_messages_per_epoch(CHAIN, 4, 1) == pytest.approx(attestation + sync + others)


def test_many_validators_attest_in_every_slot() -> None:
    few, many = (committee_messages_per_epoch(CHAIN, 4, count) for count in (559, 560))
    assert many > 32 * 15
    assert many == pytest.approx(few, rel=0.01)


def test_committees_of_one_topic_add_up(keys: dict[OperatorId, OperatorPrivateKey]) -> None:
    network = network_from_now()
    state = registry_state(keys, [(1, 2, 3, 4), (1, 2, 3, 5)])
    rates = topic_messages_per_epoch(network, Slot(10), state)
    one = committee_messages_per_epoch(network.chain, 4, 1)
    topics = {topic_at(network, Slot(10), tuple(map(OperatorId, members))) for members in ((1, 2, 3, 4), (1, 2, 3, 5))}
    assert rates == {topic: pytest.approx(one) for topic in topics}
    gone = {key: dataclasses.replace(record, liquidated=True) for key, record in state.validators.items()}
    assert topic_messages_per_epoch(network, Slot(10), dataclasses.replace(state, validators=gone)) == {}
