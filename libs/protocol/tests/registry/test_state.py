from dataclasses import replace

from libs.protocol.tests.registry import chain

from ssv_protocol.registry.state import ChainMoment, Recipient, RegistryState
from ssv_protocol.types.ids import OperatorId


def full_state() -> RegistryState:
    network = chain.chain_with_operators()
    network.block(chain.validator_added(1, 0), chain.validator_added(2, 1))
    return network.state


def test_the_hash_does_not_depend_on_the_order_of_insertion() -> None:
    state = full_state()
    turned = replace(
        state,
        operators=dict(reversed(list(state.operators.items()))),
        validators=dict(reversed(list(state.validators.items()))),
        recipients=dict(reversed(list(state.recipients.items()))),
    )
    assert list(turned.validators) != list(state.validators)
    assert turned.state_hash() == state.state_hash()


def test_the_hash_depends_on_everything() -> None:
    state = full_state()
    key, validator = next(iter(state.validators.items()))
    operator = state.operators[chain.FOUR[0]]

    def with_validator(**fields: object) -> RegistryState:
        changed = replace(validator, **fields)  # type: ignore[arg-type]
        return replace(state, validators={**state.validators, key: changed})

    def with_operator(**fields: object) -> RegistryState:
        changed = replace(operator, **fields)  # type: ignore[arg-type]
        return replace(state, operators={**state.operators, chain.FOUR[0]: changed})

    variants = [
        state,
        replace(state, block_number=99),
        replace(state, block_hash=b"\x01" * 32),
        replace(state, operators={}),
        replace(state, recipients={chain.OWNER: Recipient(chain.STRANGER, 2)}),
        replace(state, recipients={chain.OWNER: Recipient(chain.OWNER, 3)}),
        replace(state, recipients={chain.OWNER: Recipient(chain.OWNER, 2, ChainMoment(1, 2))}),
        replace(state, recipients={chain.OWNER: Recipient(chain.OWNER, 2, ChainMoment(2, 1))}),
        with_operator(owner=chain.STRANGER),
        with_operator(public_key=b"other"),
        with_validator(owner=chain.STRANGER),
        with_validator(liquidated=True),
        with_validator(exit_request=ChainMoment(1, 2)),
        with_validator(exit_request=ChainMoment(2, 1)),
        with_validator(cluster_id=bytes(32)),
        with_validator(operator_ids=validator.operator_ids[::-1]),
        with_validator(share_public_keys=validator.share_public_keys[::-1]),
        with_validator(encrypted_keys=validator.encrypted_keys[::-1]),
    ]
    assert len({variant.state_hash() for variant in variants}) == len(variants)


def test_validators_of_an_operator() -> None:
    state = full_state()
    assert [record.public_key for record in state.validators_of(chain.FOUR[2])] == sorted(state.validators)
    assert state.validators_of(OperatorId(9)) == []
