import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from ssv_eth1_listener.store import UNDO_BLOCKS, BlockRef, RegistryStore, StoreError
from ssv_protocol.registry.apply import AppliedBlock
from ssv_protocol.registry.changes import ValidatorRemoved
from ssv_protocol.registry.draft import Delta
from ssv_protocol.registry.state import (
    ChainMoment,
    OperatorRecord,
    Recipient,
    RegistryState,
    ValidatorRecord,
    cluster_id,
)
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId

CONTRACT = ExecutionAddress(b"\xaa" * 20)
OWNER = ExecutionAddress(b"\x01" * 20)
IDS = tuple(OperatorId(number) for number in (3, 7, 8, 20))


NEW_IN_2 = {
    "validators": ("exit_block", "exit_block_time_s"),
    "recipients": ("changed_block", "changed_block_time_s"),
}


def operator(number: int) -> OperatorRecord:
    return OperatorRecord(OperatorId(number), OWNER, b"registered %d" % number, b"pem" if number % 2 else None)


def validator(number: int) -> ValidatorRecord:
    return ValidatorRecord(
        BlsPublicKey(bytes([number]) * 48),
        OWNER,
        IDS,
        tuple(BlsPublicKey(bytes([number, seat]) * 24) for seat in range(4)),
        tuple(bytes([number, seat]) * 128 for seat in range(4)),
        cluster_id(OWNER, IDS),
    )


def state(block: int, validators: dict[BlsPublicKey, ValidatorRecord], nonce: int = 3) -> RegistryState:
    operators = {operator_id: operator(operator_id) for operator_id in IDS}
    recipients = {OWNER: Recipient(ExecutionAddress(b"\x02" * 20), nonce)}
    return RegistryState(
        block,
        bytes([block]) * 32,
        MappingProxyType(operators),
        MappingProxyType(validators),
        MappingProxyType(recipients),
    )


def between(before: RegistryState, after: RegistryState) -> AppliedBlock:
    """The block that leads from one state to the other."""

    def changed(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> dict[Any, Any]:
        return {key: other.get(key) for key in {*one, *other} if one.get(key) is not other.get(key)}

    delta = Delta(
        changed(before.operators, after.operators),
        changed(before.validators, after.validators),
        changed(before.recipients, after.recipients),
    )
    gone = [before.validators[key] for key in before.validators if key not in after.validators]
    return AppliedBlock(after, [ValidatorRemoved(record) for record in gone], [], delta)


def write(
    store: RegistryStore, before: RegistryState, after: RegistryState, caught_up: bool, *, keep_undo: bool = False
) -> None:
    store.write(before, between(before, after), caught_up, keep_undo=keep_undo)


def opened(path: Path) -> RegistryStore:
    return RegistryStore(path, CONTRACT, 0)


VALIDATORS = {record.public_key: record for record in map(validator, range(1, 6))}


def test_a_new_database_holds_the_state_before_the_first_block(tmp_path: Path) -> None:
    saved = opened(tmp_path / "deep/registry.sqlite").load()
    assert saved.state == RegistryState()
    assert not saved.caught_up
    assert saved.own_public_pem is None


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    store = opened(tmp_path / "db")
    first = state(5, VALIDATORS)
    write(store, RegistryState(), first, caught_up=True)
    changed = dict(VALIDATORS)
    gone = changed.pop(validator(2).public_key)
    changed[validator(3).public_key] = replace(validator(3), liquidated=True)
    changed[validator(4).public_key] = replace(validator(4), exit_request=ChainMoment(9, 1_700_000_108))
    recipient = Recipient(ExecutionAddress(b"\x03" * 20), 65535, ChainMoment(8, 1_700_000_096))
    second = replace(state(9, changed), recipients=MappingProxyType({OWNER: recipient}))
    write(store, first, second, caught_up=False)
    store.remember_own_key(b"the key")
    store.close()

    saved = opened(tmp_path / "db").load()
    assert saved.state == second
    assert saved.state.state_hash() == second.state_hash()
    assert gone.public_key not in saved.state.validators
    assert saved.caught_up
    assert saved.own_public_pem == b"the key"


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    store = opened(tmp_path / "db")
    first = state(5, VALIDATORS)
    write(store, RegistryState(), first, caught_up=True)
    with sqlite3.connect(tmp_path / "db") as db:
        db.execute("CREATE TABLE touched (what)")
        for table in ("operators", "validators", "seats", "recipients"):
            for event in ("INSERT", "UPDATE", "DELETE"):
                db.execute(
                    f"CREATE TRIGGER {table}_{event} AFTER {event} ON {table}"
                    f" BEGIN INSERT INTO touched VALUES ('{event} {table}'); END"
                )
    liquidated = MappingProxyType({**VALIDATORS, validator(3).public_key: replace(validator(3), liquidated=True)})
    second = replace(first, block_number=6, block_hash=b"\x06" * 32, validators=liquidated)
    write(store, first, second, caught_up=True)
    write(store, second, replace(second, block_number=7, block_hash=b"\x07" * 32), caught_up=True)
    with sqlite3.connect(tmp_path / "db") as db:
        touched = [what for (what,) in db.execute("SELECT what FROM touched ORDER BY what")]
    assert touched == ["UPDATE validators"]
    saved = opened(tmp_path / "db").load().state
    assert saved.block_number == 7
    assert dict(saved.validators) == dict(liquidated)


def test_a_validator_without_seats_is_damage_and_said_so(tmp_path: Path) -> None:
    store = opened(tmp_path / "db")
    write(store, RegistryState(), state(5, VALIDATORS), caught_up=True)
    store.close()
    with sqlite3.connect(tmp_path / "db") as db:
        db.execute("DELETE FROM seats WHERE validator = ?", [validator(3).public_key])
    with pytest.raises(StoreError, match=r"db is damaged; move it away to build it again"):
        opened(tmp_path / "db").load()


def test_a_validator_that_came_back_with_other_seats_has_those(tmp_path: Path) -> None:
    store = opened(tmp_path / "db")
    first = state(5, VALIDATORS)
    write(store, RegistryState(), first, caught_up=True)
    moved = replace(
        validator(3),
        operator_ids=tuple(OperatorId(number) for number in range(1, 8)),
        share_public_keys=tuple(BlsPublicKey(bytes([number]) * 48) for number in range(1, 8)),
        encrypted_keys=tuple(bytes([number]) * 256 for number in range(1, 8)),
    )
    second = state(6, {**VALIDATORS, moved.public_key: moved})
    write(store, first, second, caught_up=True)
    assert opened(tmp_path / "db").load().state == second


def test_a_block_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    store = opened(tmp_path / "db")
    first = state(5, VALIDATORS)
    write(store, RegistryState(), first, caught_up=False)
    broken = replace(first.recipients[OWNER], fee_recipient=None)  # type: ignore[arg-type]
    second = replace(
        state(6, {**VALIDATORS, validator(9).public_key: validator(9)}), recipients=MappingProxyType({OWNER: broken})
    )
    with pytest.raises(sqlite3.IntegrityError):
        write(store, first, second, caught_up=True)
    saved = store.load()
    assert saved.state == first
    assert not saved.caught_up


def story() -> list[RegistryState]:
    """States one after the other, in which records come, change and go."""
    keys = list(VALIDATORS)
    first = state(5, {key: VALIDATORS[key] for key in keys[:3]})
    second = replace(state(6, VALIDATORS, nonce=5), operators=first.operators)
    left = {key: record for key, record in VALIDATORS.items() if key != keys[0]}
    left[keys[1]] = replace(left[keys[1]], liquidated=True, exit_request=ChainMoment(9, 1_700_000_108))
    third = replace(state(9, left), operators=MappingProxyType({}), recipients=MappingProxyType({}))
    fourth = replace(third, block_number=12, block_hash=b"\x0c" * 32)
    return [RegistryState(), first, second, third, fourth]


def test_blocks_are_taken_back_one_or_all(tmp_path: Path) -> None:
    states = story()
    for target in range(len(states)):
        store = opened(tmp_path / f"{target}.sqlite")
        for before, after in pairwise(states):
            write(store, before, after, caught_up=True, keep_undo=True)
        known = [BlockRef(each.block_number, each.block_hash) for each in reversed(states)]
        assert store.earlier() == known[1:]
        back = states[target]
        if target < len(states) - 1:
            rolled = store.roll_back(states[-1], BlockRef(back.block_number, back.block_hash))
            assert rolled == back
        assert store.load().state == back
        for before, after in pairwise(states[target:]):  # and forward again
            write(store, before, after, caught_up=True, keep_undo=True)
        assert store.load().state.state_hash() == states[-1].state_hash()
        store.close()


def test_only_so_many_blocks_can_be_taken_back(tmp_path: Path) -> None:
    store = opened(tmp_path / "db")
    states = [replace(state(0, VALIDATORS), block_number=number) for number in range(0, 3 * UNDO_BLOCKS, 2)]
    write(store, RegistryState(), states[0], caught_up=True, keep_undo=True)
    for before, after in pairwise(states):
        write(store, before, after, caught_up=True, keep_undo=True)
    assert len(store.earlier()) == UNDO_BLOCKS // 2
    with pytest.raises(StoreError, match="cannot go back to block 4"):
        store.roll_back(states[-1], BlockRef(4, states[0].block_hash))
    assert store.load().state == states[-1]


def test_what_was_written_without_undo_cannot_be_taken_back(tmp_path: Path) -> None:
    store, states = opened(tmp_path / "db"), story()
    for place, (before, after) in enumerate(pairwise(states)):
        write(store, before, after, caught_up=True, keep_undo=place != 2)
    assert [block.number for block in store.earlier()] == [9]


def test_a_validator_that_left_is_remembered_until_that_is_taken_back(tmp_path: Path) -> None:
    store, states = opened(tmp_path / "db"), story()
    gone, stays = (VALIDATORS[key] for key in list(VALIDATORS)[:2])
    for before, after in pairwise(states):
        assert not store.was_removed(gone.public_key, gone.share_public_keys[2])
        write(store, before, after, caught_up=True, keep_undo=True)
        if after is states[3]:
            break
    assert store.was_removed(gone.public_key, gone.share_public_keys[2])
    assert not store.was_removed(gone.public_key, stays.share_public_keys[2])
    assert not store.was_removed(stays.public_key, stays.share_public_keys[2])
    assert not store.was_removed(gone.public_key, b"")
    store.roll_back(states[3], BlockRef(6, states[2].block_hash))
    assert not store.was_removed(gone.public_key, gone.share_public_keys[2])


def test_a_second_process_on_the_same_file_is_found_out(tmp_path: Path) -> None:
    mine, theirs = opened(tmp_path / "db"), opened(tmp_path / "db")
    write(theirs, RegistryState(), state(5, VALIDATORS), caught_up=True)
    with pytest.raises(StoreError, match="another process"):
        write(mine, RegistryState(), state(6, VALIDATORS), caught_up=True)
    assert mine.load().state == state(5, VALIDATORS)


@pytest.mark.parametrize(("contract", "from_block"), [(ExecutionAddress(b"\xbb" * 20), 0), (CONTRACT, 1)])
def test_a_database_of_another_contract_is_refused(tmp_path: Path, contract: ExecutionAddress, from_block: int) -> None:
    opened(tmp_path / "db").close()
    with pytest.raises(StoreError, match=f"0x{CONTRACT.hex()} from block 0.*0x{contract.hex()} from block"):
        RegistryStore(tmp_path / "db", contract, from_block)


def test_a_database_of_another_chain_is_refused(tmp_path: Path) -> None:
    store = opened(tmp_path / "db")
    store.pin_chain(560048)
    store.pin_chain(560048)
    with pytest.raises(StoreError, match="chain 560048, the execution node of chain 1:"):
        store.pin_chain(1)


def test_another_file_or_schema_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    with pytest.raises(StoreError, match="move it away"):
        opened(tmp_path / "text")
    opened(tmp_path / "db").close()
    with sqlite3.connect(tmp_path / "db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="schema 99"):
        opened(tmp_path / "db")


def test_a_database_of_an_older_version_is_taken_over_and_the_chain_read_again(tmp_path: Path) -> None:
    first = state(5, VALIDATORS)
    store = opened(tmp_path / "db")
    write(store, RegistryState(), first, caught_up=True)
    store.pin_chain(5)
    store.remember_own_key(b"the key")
    store.close()
    with sqlite3.connect(tmp_path / "db") as db:  # as version 1 had it
        for table, columns in NEW_IN_2.items():
            for column in columns:
                db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        db.execute("DROP TABLE undo")
        db.execute("DROP TABLE removals")
        db.execute("PRAGMA user_version = 1")
    for _ in range(2):  # the second time there is nothing left to do
        store = opened(tmp_path / "db")
        saved = store.load()
        assert saved.state == RegistryState()
        assert not saved.caught_up
        assert saved.own_public_pem == b"the key"
        store.close()
    store = opened(tmp_path / "db")
    asking = {key: replace(record, exit_request=ChainMoment(4, 7)) for key, record in VALIDATORS.items()}
    write(store, RegistryState(), state(5, asking), caught_up=True)
    assert store.load().state == state(5, asking)
    with pytest.raises(StoreError, match="is of chain 5"):
        store.pin_chain(6)


def test_clearing_keeps_whose_database_it_is(tmp_path: Path) -> None:
    store = opened(tmp_path / "db")
    store.pin_chain(5)
    store.remember_own_key(b"the key")
    write(store, RegistryState(), state(5, VALIDATORS), caught_up=True)
    store.clear()
    saved = store.load()
    assert saved.state == RegistryState()
    assert not saved.caught_up
    assert saved.own_public_pem == b"the key"
    with pytest.raises(StoreError):
        store.pin_chain(6)
    with sqlite3.connect(tmp_path / "db") as db:
        assert db.execute("SELECT count(*) FROM seats").fetchone() == (0,)
