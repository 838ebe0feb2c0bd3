from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libs.protocol.tests.registry import chain

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.registry.abi import IGNORED_EVENTS, needs_block_time, topic0
from ssv_protocol.registry.apply import apply_block
from ssv_protocol.registry.log import Log
from ssv_protocol.registry.reasons import SkipReason
from ssv_protocol.registry.state import RegistryState


def test_logs_are_applied_by_log_index_whatever_their_order() -> None:
    network = chain.chain_with_operators()
    number = network.state.block_number + 1
    logs = chain.placed(number, [chain.validator_added(1, 0), chain.validator_added(2, 1)])
    result = apply_block(network.state, number, chain.block_hash(number), reversed(logs))
    assert result.skipped == []
    assert len(result.state.validators) == 2


def test_a_block_without_logs_passes() -> None:
    network = chain.chain_with_operators()
    before = network.state
    result = apply_block(before, 100, chain.block_hash(100), [])
    assert (result.state.block_number, result.state.block_hash) == (100, chain.block_hash(100))
    assert result.state.operators is before.operators
    assert result.state.state_hash() != before.state_hash()


@pytest.mark.parametrize("number", [-5, 6, 7])
def test_blocks_must_ascend(number: int) -> None:
    state = apply_block(RegistryState(), 7, chain.block_hash(7), []).state
    with pytest.raises(ProtocolError) as caught:
        apply_block(state, number, chain.block_hash(number % 100), [])
    assert caught.value.reason is Reason.REGISTRY_BLOCK_ORDER


def test_logs_of_another_block_are_refused() -> None:
    logs = chain.placed(3, [chain.operator_added(1)])
    for number, block_hash in ((4, chain.block_hash(3)), (3, chain.block_hash(4))):
        with pytest.raises(ProtocolError) as caught:
            apply_block(RegistryState(), number, block_hash, logs)
        assert caught.value.reason is Reason.REGISTRY_LOG_PLACE


def test_a_log_given_twice_is_refused() -> None:
    logs = chain.placed(3, [chain.operator_added(1)])
    with pytest.raises(ProtocolError) as caught:
        apply_block(RegistryState(), 3, chain.block_hash(3), logs * 2)
    assert caught.value.reason is Reason.REGISTRY_LOG_PLACE


def test_only_an_event_that_gives_a_duty_its_slot_needs_the_blocks_time() -> None:
    network = chain.chain_with_operators()
    network.block(chain.validator_added(1, 0))
    number = network.state.block_number + 1
    recipient = chain.log("FeeRecipientAddressUpdated", chain.OWNER, chain.STRANGER)
    for log in (chain.validator_exited(1), recipient):
        assert needs_block_time(log)
        with pytest.raises(ProtocolError) as caught:
            apply_block(network.state, number, chain.block_hash(number), chain.placed(number, [log]))
        assert caught.value.reason is Reason.REGISTRY_BLOCK_TIME
    others = [chain.operator_added(5), chain.validator_added(2, 1), chain.validator_removed(1)]
    assert not any(map(needs_block_time, [*others, replace(others[0], topics=())]))
    assert apply_block(network.state, number, chain.block_hash(number), chain.placed(number, others)).skipped == []


def test_ignored_and_unknown_events_change_nothing() -> None:
    network = chain.chain_with_operators()
    before = network.state
    known = replace(chain.log("OperatorRemoved", 1), topics=(topic0(IGNORED_EVENTS[0]),))
    unknown = replace(known, topics=(bytes(32),))
    result = network.block(known, unknown)
    assert result.changes == []
    assert [(skipped.reason, skipped.event) for skipped in result.skipped] == [(SkipReason.UNKNOWN_EVENT, None)]
    assert result.state == replace(before, block_number=result.state.block_number, block_hash=result.state.block_hash)


def test_a_skipped_event_names_its_log_and_event() -> None:
    network = chain.chain_with_operators()
    (skipped,) = network.block(chain.log("OperatorRemoved", 1), chain.log("OperatorRemoved", 9)).skipped
    assert skipped.log.log_index == 1
    assert skipped.event is not None
    assert skipped.detail == "operator 9"


def test_what_a_state_holds_cannot_be_written() -> None:
    network = chain.chain_with_operators()
    with pytest.raises(TypeError):
        del network.state.operators[chain.FOUR[0]]  # type: ignore[attr-defined]


def any_log() -> st.SearchStrategy[Log]:
    """Events on few operators and validators, so that they meet; many of them do not hold."""
    owners = st.sampled_from([chain.OWNER, chain.STRANGER])
    validators = st.integers(1, 3)
    cluster_events = st.sampled_from(["ClusterLiquidated", "ClusterReactivated"])
    added = st.builds(
        lambda number, nonce, owner: chain.validator_added(number, nonce, owner=owner),
        validators,
        st.integers(0, 3),
        owners,
    )
    return st.one_of(
        added,
        added,
        st.builds(chain.operator_added, st.integers(1, 5)),
        st.builds(lambda operator_id: chain.log("OperatorRemoved", operator_id), st.integers(1, 5)),
        st.builds(chain.validator_removed, validators, owners),
        st.builds(chain.validator_exited, validators, owners),
        st.builds(lambda name, owner: chain.log(name, owner, chain.FOUR, chain.CLUSTER), cluster_events, owners),
        st.builds(
            lambda owner, to: chain.log("FeeRecipientAddressUpdated", owner, to),
            owners,
            st.binary(min_size=20, max_size=20),
        ),
        st.builds(
            lambda topic: replace(chain.log("OperatorRemoved", 1), topics=(topic,)), st.binary(min_size=32, max_size=32)
        ),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(any_log(), max_size=5), min_size=1, max_size=6), st.data())
def test_a_replay_from_any_block_gives_the_same_state(blocks: list[list[Log]], data: st.DataObject) -> None:
    first = [chain.operator_added(operator_id) for operator_id in chain.FOUR]
    history = [RegistryState()]
    for logs in [first, *blocks]:
        history.append(chain.apply_logs(history[-1], *logs).state)
    hashes = [state.state_hash() for state in history]
    restart = data.draw(st.integers(0, len(blocks)), label="restart after block")
    state = history[restart]
    for logs in [first, *blocks][restart:]:
        state = chain.apply_logs(state, *logs).state
    assert state == history[-1]
    assert state.state_hash() == hashes[-1]
    assert [earlier.state_hash() for earlier in history] == hashes, "a state changed after it was made"
    # The same events in one block end in the same tables: where blocks begin does not matter.
    one = chain.apply_logs(RegistryState(), *first, *(log for logs in blocks for log in logs)).state
    one = replace(one, block_number=state.block_number, block_hash=state.block_hash)
    assert undated(one).state_hash() == undated(state).state_hash()


def undated(state: RegistryState) -> RegistryState:
    """The state without what depends on where blocks begin."""
    return replace(
        state,
        validators={key: replace(record, exit_request=None) for key, record in state.validators.items()},
        recipients={owner: replace(recipient, changed=None) for owner, recipient in state.recipients.items()},
    )
