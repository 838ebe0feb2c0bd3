from eth_abi.abi import encode
from libs.protocol.tests.registry import chain

from ssv_protocol.registry import changes
from ssv_protocol.types.ids import OperatorId


def test_operator_added() -> None:
    network = chain.Chain()
    result = network.block(chain.operator_added(1))
    record = network.state.operators[OperatorId(1)]
    assert result.changes == [changes.OperatorAdded(record)]
    assert result.skipped == []
    assert record.owner == chain.OWNER
    assert record.public_pem == chain.operator_key(1).public_pem()
    assert network.state.operator_with_key(chain.operator_key(1).public_pem()) == record
    assert network.state.operator_with_key(chain.operator_key(2).public_pem()) is None


def test_operator_added_with_a_known_id() -> None:
    network = chain.chain_with_operators(1)
    before = network.state.operators
    other_key = encode(["bytes"], [b"other"])
    assert network.skip_reasons(chain.operator_added(1, other_key)) == ["operator_exists"]
    assert network.state.operators == before


def test_operator_added_with_a_known_key() -> None:
    network = chain.chain_with_operators(1)
    same_key = encode(["bytes"], [network.state.operators[OperatorId(1)].public_key])
    assert network.skip_reasons(chain.operator_added(2, same_key)) == ["operator_key_exists"]
    assert OperatorId(2) not in network.state.operators


def test_operator_added_without_an_rsa_key_still_takes_its_id() -> None:
    network = chain.Chain()
    network.block(chain.operator_added(1, encode(["bytes"], [b"no key"])))
    assert network.state.operators[OperatorId(1)].public_pem is None
    assert network.skip_reasons(chain.operator_added(1)) == ["operator_exists"]


def test_operator_removed() -> None:
    network = chain.chain_with_operators(1, 2)
    result = network.block(chain.log("OperatorRemoved", 1))
    assert result.changes == [changes.OperatorRemoved(OperatorId(1))]
    assert list(network.state.operators) == [2]


def test_operator_removed_that_is_unknown() -> None:
    network = chain.chain_with_operators(1)
    assert network.skip_reasons(chain.log("OperatorRemoved", 9)) == ["operator_unknown"]
