from dataclasses import replace

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.registry import chain
from tests.support.contract_topics import CONTRACT_TOPICS

from ssv_protocol.registry import events
from ssv_protocol.registry.abi import HANDLED_EVENTS, IGNORED_EVENTS, EventAbi, Ignored, Malformed, decode_log, topic0
from ssv_protocol.registry.log import Log
from ssv_protocol.registry.reasons import SkipReason
from ssv_protocol.types.ids import OperatorId


def test_topics_are_those_of_the_deployed_contract() -> None:
    signatures = [*(abi.signature for abi in HANDLED_EVENTS), *IGNORED_EVENTS]
    ours = {signature.partition("(")[0]: topic0(signature).hex() for signature in signatures}
    assert {name: ours[name] for name in CONTRACT_TOPICS} == CONTRACT_TOPICS


def test_every_handled_event_decodes_to_its_values() -> None:
    key = chain.validator_key(1).public_key()
    owner, four = chain.OWNER, chain.FOUR
    assert decode_log(chain.operator_added(7, encode(["bytes"], [b"payload"]))) == events.OperatorAdded(
        OperatorId(7), owner, b"payload"
    )
    assert decode_log(chain.log("OperatorRemoved", 7)) == events.OperatorRemoved(OperatorId(7))
    assert decode_log(chain.validator_added(1, 0, share_bytes=b"xyz")) == events.ValidatorAdded(
        owner, four, key, b"xyz"
    )
    assert decode_log(chain.validator_removed(1)) == events.ValidatorRemoved(owner, four, key)
    assert decode_log(chain.validator_exited(1)) == events.ValidatorExited(owner, four, key)
    assert decode_log(chain.log("ClusterLiquidated", owner, four, chain.CLUSTER)) == events.ClusterLiquidated(
        owner, four
    )
    assert decode_log(chain.log("ClusterReactivated", owner, four, chain.CLUSTER)) == events.ClusterReactivated(
        owner, four
    )
    assert decode_log(
        chain.log("FeeRecipientAddressUpdated", owner, chain.STRANGER)
    ) == events.FeeRecipientAddressUpdated(owner, chain.STRANGER)


@pytest.mark.parametrize("signature", IGNORED_EVENTS)
def test_known_events_without_effect_are_ignored(signature: str) -> None:
    ignored = replace(chain.log("OperatorRemoved", 1), topics=(topic0(signature),))
    assert decode_log(ignored) == Ignored(signature.partition("(")[0])


def test_unknown_topic_and_no_topic_are_malformed() -> None:
    for topics in ((), (b"\x01" * 32,)):
        decoded = decode_log(replace(chain.log("OperatorRemoved", 1), topics=topics))
        assert isinstance(decoded, Malformed)
        assert decoded.reason is SkipReason.UNKNOWN_EVENT


def broken_logs() -> dict[str, Log]:
    good = chain.validator_removed(1)
    removed = chain.log("OperatorRemoved", 1)
    return {
        "data cut short": replace(good, data=good.data[:-32]),
        "no data": replace(good, data=b""),
        "topic missing": replace(good, topics=good.topics[:1]),
        "topic too many": replace(good, topics=(*good.topics, bytes(32))),
        "topic too short": replace(good, topics=(good.topics[0], good.topics[1][:-1])),
        "address with high bits": replace(good, topics=(good.topics[0], b"\x01" + good.topics[1][1:])),
        "operator id above uint64": replace(removed, topics=(removed.topics[0], b"\x01" + bytes(31))),
        "boolean that is neither": replace(
            good, data=good.data[: 32 * 5] + (2).to_bytes(32, "big") + good.data[32 * 6 :]
        ),
    }


@pytest.mark.parametrize("name", broken_logs())
def test_broken_log_is_malformed(name: str) -> None:
    decoded = decode_log(broken_logs()[name])
    assert isinstance(decoded, Malformed)
    assert decoded.reason is SkipReason.MALFORMED_LOG


def test_operator_key_that_is_no_abi_encoding_is_malformed() -> None:
    decoded = decode_log(chain.operator_added(1, b"LS0tLS1CRUdJTg=="))
    assert isinstance(decoded, Malformed)
    assert decoded.reason is SkipReason.OPERATOR_KEY_ENCODING


@given(st.sampled_from(HANDLED_EVENTS), st.lists(st.binary(min_size=32, max_size=32), max_size=3), st.binary())
def test_decoding_never_raises(abi: EventAbi, topics: list[bytes], data: bytes) -> None:
    wild = replace(chain.log("OperatorRemoved", 1), topics=(topic0(abi.signature), *topics), data=data)
    assert decode_log(wild) is not None


@given(st.integers(0, 400), st.integers(0, 255))
def test_decoding_a_log_with_one_changed_byte_never_raises(at: int, value: int) -> None:
    good = chain.validator_added(1, 0, share_bytes=bytes(96))
    data = bytearray(good.data)
    data[at % len(data)] = value
    assert decode_log(replace(good, data=bytes(data))) is not None
