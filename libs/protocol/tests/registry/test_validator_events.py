from dataclasses import replace

import pytest
from libs.protocol.tests.registry import chain

from ssv_protocol.crypto.shares import ShareData
from ssv_protocol.registry import changes
from ssv_protocol.registry.state import ChainMoment, Recipient, cluster_id
from ssv_protocol.types.committee import committee_id
from ssv_protocol.types.ids import OperatorId

KEY = chain.validator_key(1).public_key()


def ids(*numbers: int) -> tuple[OperatorId, ...]:
    return tuple(OperatorId(number) for number in numbers)


@pytest.mark.parametrize("size", [4, 7, 10, 13])
def test_validator_added(size: int) -> None:
    operator_ids = ids(*range(1, size + 1))
    network = chain.chain_with_operators(*operator_ids)
    result = network.block(chain.validator_added(1, 0, operator_ids=operator_ids))
    record = network.state.validators[KEY]
    parts = ShareData.decode(chain.shares(1, chain.OWNER, 0, operator_ids), size)
    assert result.skipped == []
    assert result.changes == [changes.ValidatorAdded(record)]
    assert record.owner == chain.OWNER
    assert record.operator_ids == operator_ids
    assert record.share_public_keys == parts.public_keys
    assert record.encrypted_keys == parts.encrypted_keys
    assert record.cluster_id == cluster_id(chain.OWNER, operator_ids)
    assert record.committee_id == committee_id(operator_ids)
    assert not record.liquidated
    assert network.state.recipients[chain.OWNER] == Recipient(chain.OWNER, next_nonce=1)


@pytest.mark.parametrize("size", [0, 1, 3, 5, 6, 14, 16])
def test_committee_size_that_is_not_admitted(size: int) -> None:
    operator_ids = ids(*range(1, size + 1))
    network = chain.chain_with_operators()
    event = chain.validator_added(1, 0, operator_ids=operator_ids, share_bytes=b"")
    assert network.skip_reasons(event) == ["committee_size"]
    assert not network.state.validators


def test_operator_twice_in_the_committee() -> None:
    network = chain.chain_with_operators()
    event = chain.validator_added(1, 0, operator_ids=ids(1, 2, 3, 3), share_bytes=b"")
    assert network.skip_reasons(event) == ["committee_duplicate"]


def test_unknown_operator_in_the_committee() -> None:
    network = chain.chain_with_operators(1, 2, 3)
    assert network.skip_reasons(chain.validator_added(1, 0)) == ["committee_operator_unknown"]


def test_removed_operator_in_the_committee() -> None:
    network = chain.chain_with_operators()
    network.block(chain.log("OperatorRemoved", 4))
    assert network.skip_reasons(chain.validator_added(1, 0)) == ["committee_operator_unknown"]


@pytest.mark.parametrize("change", [-1, 1, 304, -304])
def test_shares_of_the_wrong_length(change: int) -> None:
    good = chain.shares(1, chain.OWNER, 0, chain.FOUR)
    wrong = good + bytes(change) if change > 0 else good[:change]
    network = chain.chain_with_operators()
    assert network.skip_reasons(chain.validator_added(1, 0, share_bytes=wrong)) == ["shares_length"]


@pytest.mark.parametrize(
    "key",
    [b"", bytes(48), KEY[:47], b"\xc0" + bytes(47), b"\xff" * 48],
    ids=["empty", "zeros", "short", "infinity", "ones"],
)
def test_validator_key_that_is_no_public_key(key: bytes) -> None:
    network = chain.chain_with_operators()
    assert network.skip_reasons(chain.validator_added(1, 0, public_key=key)) == ["validator_key"]


def test_ownership_signature_over_another_nonce() -> None:
    network = chain.chain_with_operators()
    ahead = chain.shares(1, chain.OWNER, 1, chain.FOUR)
    event = chain.validator_added(1, 0, share_bytes=ahead)
    assert network.skip_reasons(event) == ["ownership_signature"]


def test_ownership_signature_over_another_owner() -> None:
    """Shares copied from somebody else's transaction are worthless."""
    network = chain.chain_with_operators()
    stolen = chain.shares(1, chain.OWNER, 0, chain.FOUR)
    event = chain.validator_added(1, 0, owner=chain.STRANGER, share_bytes=stolen)
    assert network.skip_reasons(event) == ["ownership_signature"]


def test_ownership_signature_by_another_validator() -> None:
    network = chain.chain_with_operators()
    event = chain.validator_added(1, 0, share_bytes=chain.shares(2, chain.OWNER, 0, chain.FOUR))
    assert network.skip_reasons(event) == ["ownership_signature"]


def test_ownership_signature_that_is_no_point() -> None:
    good = chain.shares(1, chain.OWNER, 0, chain.FOUR)
    network = chain.chain_with_operators()
    event = chain.validator_added(1, 0, share_bytes=b"\xff" * 96 + good[96:])
    assert network.skip_reasons(event) == ["ownership_signature"]


def test_validator_of_another_owner() -> None:
    """Whoever holds the key may sign for two owners; the first one keeps the validator."""
    network = chain.chain_with_operators()
    network.block(chain.validator_added(1, 0))
    before = network.state.validators
    event = chain.validator_added(1, 0, owner=chain.STRANGER)
    assert network.skip_reasons(event) == ["validator_owner"]
    assert network.state.validators == before


def test_validator_that_the_owner_has_already() -> None:
    network = chain.chain_with_operators()
    network.block(chain.validator_added(1, 0))
    before = network.state.validators
    assert network.skip_reasons(chain.validator_added(1, 1)) == ["validator_exists"]
    assert network.state.validators == before


def test_an_event_that_does_not_hold_consumes_its_nonce() -> None:
    network = chain.chain_with_operators()
    assert network.skip_reasons(
        chain.validator_added(1, 0, operator_ids=ids(1, 2), share_bytes=b""),  # nonce 0
        chain.validator_added(1, 0),  # its nonce is 1 by now
        chain.validator_added(2, 2),
    ) == ["committee_size", "ownership_signature"]
    assert list(network.state.validators) == [chain.validator_key(2).public_key()]
    assert network.state.next_nonce(chain.OWNER) == 3


def test_an_unparseable_log_consumes_no_nonce() -> None:
    network = chain.chain_with_operators()
    good = chain.validator_added(1, 0)
    assert network.skip_reasons(replace(good, data=good.data[:-32]), good) == ["malformed_log"]
    assert list(network.state.validators) == [KEY]
    assert network.state.next_nonce(chain.OWNER) == 1


def test_nonces_are_counted_for_each_owner() -> None:
    network = chain.chain_with_operators()
    result = network.block(
        chain.validator_added(1, 0),
        chain.validator_added(2, 0, owner=chain.STRANGER),
        chain.validator_added(3, 1),
    )
    assert result.skipped == []
    assert network.state.next_nonce(chain.OWNER) == 2
    assert network.state.next_nonce(chain.STRANGER) == 1


def test_the_nonce_is_a_uint16() -> None:
    network = chain.chain_with_operators()
    network.state = replace(network.state, recipients={chain.OWNER: Recipient(chain.OWNER, 65535)})
    result = network.block(chain.validator_added(1, 65535), chain.validator_added(2, 0))
    assert result.skipped == []
    assert network.state.next_nonce(chain.OWNER) == 1


def test_validator_removed_and_added_again() -> None:
    network = chain.chain_with_operators()
    network.block(chain.validator_added(1, 0))
    record = network.state.validators[KEY]
    assert network.block(chain.validator_removed(1)).changes == [changes.ValidatorRemoved(record)]
    assert not network.state.validators
    assert network.state.next_nonce(chain.OWNER) == 1
    assert network.block(chain.validator_added(1, 1)).skipped == []
    assert KEY in network.state.validators


@pytest.mark.parametrize("event", [chain.validator_removed, chain.validator_exited])
def test_removed_or_exited_but_unknown(event: object) -> None:
    network = chain.chain_with_operators()
    assert network.skip_reasons(event(1)) == ["validator_unknown"]  # type: ignore[operator]


@pytest.mark.parametrize("event", [chain.validator_removed, chain.validator_exited])
def test_removed_or_exited_by_another_owner(event: object) -> None:
    network = chain.chain_with_operators()
    network.block(chain.validator_added(1, 0))
    assert network.skip_reasons(event(1, chain.STRANGER)) == ["validator_owner"]  # type: ignore[operator]
    assert KEY in network.state.validators


def test_validator_exited() -> None:
    network = chain.chain_with_operators()
    network.block(chain.validator_added(1, 0))
    assert network.state.validators[KEY].exit_request is None
    for _ in range(2):  # the last one counts
        result = network.block(chain.validator_exited(1))
        record = network.state.validators[KEY]
        number = network.state.block_number
        assert record.exit_request == ChainMoment(number, chain.block_time_s(number))
        assert result.changes == [changes.ValidatorExited(record)]


def test_a_validator_that_is_registered_anew_has_not_asked_to_exit() -> None:
    network = chain.chain_with_operators()
    network.block(chain.validator_added(1, 0), chain.validator_exited(1), chain.validator_removed(1))
    network.block(chain.validator_added(1, 1))
    assert network.state.validators[KEY].exit_request is None
