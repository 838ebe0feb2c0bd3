from libs.protocol.tests.registry.chain import (
    FOUR,
    OWNER,
    Chain,
    chain_with_operators,
    log,
    operator_added,
    operator_key,
    validator_added,
    validator_exited,
    validator_key,
    validator_removed,
)

from ssv_protocol.registry.apply import together
from ssv_protocol.registry.draft import moved
from ssv_protocol.registry.operator_key import encode_operator_key
from ssv_protocol.registry.state import RegistryState, clusters_of, operator_ids_of

CLUSTER = (0, 0, 0, True, 0)


def story() -> list[RegistryState]:
    """States after blocks with all kinds of changes, each of which is taken back with its delta."""
    chain = chain_with_operators()
    states = [RegistryState(), chain.state]

    def block(*logs: object) -> None:
        before = chain.state
        applied = chain.block(*logs)  # type: ignore[arg-type]
        back = moved(applied.state, applied.delta.reversed(before), before.block_number, before.block_hash)
        assert back == before
        assert back.state_hash() == before.state_hash()
        assert dict(operator_ids_of(back)) == dict(operator_ids_of(before))
        assert dict(clusters_of(back)) == dict(clusters_of(before))
        assert moved(before, applied.delta, chain.state.block_number, chain.state.block_hash) == chain.state
        states.append(chain.state)

    block(validator_added(1, nonce=0), validator_added(2, nonce=1))
    block()
    block(log("ClusterLiquidated", OWNER, FOUR, CLUSTER), validator_exited(1))
    block(validator_removed(2), log("FeeRecipientAddressUpdated", OWNER, b"\x05" * 20))
    block(log("OperatorRemoved", 3), operator_added(9, encode_operator_key(operator_key(3).public_pem())))
    block(validator_removed(1), log("ClusterReactivated", OWNER, FOUR, CLUSTER))
    block(log("OperatorRemoved", 9), operator_added(3))
    return states


def test_a_delta_leads_from_one_state_to_the_other_and_back() -> None:
    assert len(story()) == 9


def test_blocks_together_write_what_they_write_one_after_the_other() -> None:
    chain = chain_with_operators()
    before = chain.state
    blocks = [
        chain.block(validator_added(1, nonce=0), validator_added(2, nonce=1)),
        chain.block(validator_exited(1), log("OperatorRemoved", 3)),
        chain.block(validator_removed(2), validator_removed(7), operator_added(3)),
    ]
    whole = together(blocks)
    assert whole.state == chain.state
    assert moved(before, whole.delta, chain.state.block_number, chain.state.block_hash) == chain.state
    assert [len(block.changes) for block in blocks] == [2, 2, 2]
    assert (len(whole.changes), len(whole.skipped)) == (6, 1)


def test_states_are_values() -> None:
    first = [state.state_hash() for state in story()]
    assert [state.state_hash() for state in story()] == first


def test_a_state_without_indexes_is_as_good() -> None:
    chain = chain_with_operators()
    chain.block(validator_added(1, nonce=0))
    plain = RegistryState(
        chain.state.block_number,
        chain.state.block_hash,
        dict(chain.state.operators),
        dict(chain.state.validators),
        dict(chain.state.recipients),
    )
    assert plain == chain.state
    other = Chain(plain)
    liquidated = log("ClusterLiquidated", OWNER, FOUR, CLUSTER)
    assert other.block(liquidated).state == chain.block(liquidated).state
    assert other.state.validators[validator_key(1).public_key()].liquidated
    assert other.skip_reasons(operator_added(9, encode_operator_key(operator_key(1).public_pem()))) == [
        "operator_key_exists"
    ]
