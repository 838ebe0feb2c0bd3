"""The registry as its clients see it: conversion to and from the wire, and a watch that never ends.

`updates` makes the messages that turn one registry state into another, `Assembler` turns messages back into states;
both are pure, and for any two states a and b, feeding `updates(a, b)` to an assembler that is at a brings it to b.
A state that a client gets is a value: nothing changes it afterwards.

The watch goes on where it was after a lost connection. It does not say when it is behind the chain: `head_block`
does, and readiness is the caller's.

Source: architecture §3 (Registry.Watch), §5.8; proto/ssv/v1/registry.proto.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

import grpc

from ssv_api.v1 import registry_pb2 as pb
from ssv_api.v1.registry_pb2_grpc import RegistryStub
from ssv_protocol.registry.state import (
    BEFORE_GENESIS,
    ChainMoment,
    OperatorRecord,
    Recipient,
    RegistryState,
    ValidatorRecord,
)
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, ExecutionAddress, OperatorId
from ssv_runtime.rpc.failure import RpcFailure

PART_BYTES = 1 << 20
"""Aim for the size of one message; far below what gRPC is set to take, so that one large record cannot matter."""
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class RegistryView:
    """The registry after a block, and who the operator is therein. `own_operator_id` is None until registered."""

    state: RegistryState = field(default_factory=RegistryState)
    own_operator_id: OperatorId | None = None
    head_block: int = 0

    def take_committees_of(self, other: RegistryView) -> None:
        """Have the same committees as another view, in the same objects, if both are of the same validators."""
        if self.state.validators is other.state.validators:
            names = (
                ["committees", "own_committees"] if self.own_operator_id == other.own_operator_id else ["committees"]
            )
            self.__dict__.update({name: other.__dict__[name] for name in names if name in other.__dict__})

    @cached_property
    def committees(self) -> Mapping[CommitteeId, tuple[ValidatorRecord, ...]]:
        """Every committee that runs at least one validator, with its validators by public key."""
        return _by_committee(self.state.validators.values())

    @cached_property
    def own_committees(self) -> Mapping[CommitteeId, tuple[ValidatorRecord, ...]]:
        """The committees that the operator sits in, liquidated validators included."""
        if self.own_operator_id is None:
            return MappingProxyType({})
        return _by_committee(self.state.validators_of(self.own_operator_id))


def updates(
    before: RegistryState | None, after: RegistryState, own_operator_id: OperatorId | None, head_block: int
) -> Iterator[pb.RegistryUpdate]:
    """Yield what brings a client from `before` (None: from anything) to `after`, the last one complete."""
    if before is None or _gone(before.recipients, after.recipients):  # the wire has no removed recipients
        base, snapshot = RegistryState(), True
    else:
        base, snapshot = before, False
    part = pb.RegistryUpdate(snapshot=snapshot)
    size = 0
    for place, record in _changed_records(base, after):
        if size >= PART_BYTES:
            part.incomplete = True
            yield part
            part, size = pb.RegistryUpdate(), 0
        getattr(part, place).append(record)
        size += record.ByteSize()
    part.removed_operators.extend(sorted(_gone(base.operators, after.operators)))
    part.removed_validators.extend(sorted(_gone(base.validators, after.validators)))
    if after.block_number != BEFORE_GENESIS:
        part.block_number, part.block_hash = after.block_number, after.block_hash
    part.own_operator_id = own_operator_id or 0
    part.head_block = head_block
    yield part


class Assembler:
    """Puts updates together; `view` is the last complete one, None before the first.

    Without `encrypted_keys`, which are most of a large registry and of use to the listener alone, validators have none;
    the state's hash is another one then.
    """

    def __init__(self, *, encrypted_keys: bool = True) -> None:
        self.view: RegistryView | None = None
        self._parts: list[_Part] = []
        self._encrypted_keys = encrypted_keys

    def feed(self, update: pb.RegistryUpdate) -> RegistryView | None:
        """Take an update; return the new view when it completes one."""
        self._parts.append(_Part(update, encrypted_keys=self._encrypted_keys))
        if update.incomplete:
            return None
        parts, self._parts = self._parts, []
        before = self.view
        fresh = before is None or parts[0].snapshot
        state = RegistryState() if fresh or before is None else before.state
        known = bool(update.block_hash)
        after = RegistryState(
            update.block_number if known else BEFORE_GENESIS,
            update.block_hash if known else bytes(32),
            _merged(state.operators, _all(parts, "operators"), _all(parts, "removed_operators")),
            _merged(state.validators, _all(parts, "validators"), _all(parts, "removed_validators")),
            _merged(state.recipients, _all(parts, "recipients"), []),
        )
        self.view = RegistryView(after, OperatorId(update.own_operator_id) or None, update.head_block)
        if before is not None:
            self.view.take_committees_of(before)
        return self.view

    def forget_parts(self) -> None:
        """Drop what is incomplete, because the stream that brought it ended."""
        self._parts = []

    def resume_request(self) -> pb.WatchRequest:
        """Return the request that continues from the last complete view."""
        if self.view is None or self.view.state.block_number == BEFORE_GENESIS:
            return pb.WatchRequest()
        state = self.view.state
        return pb.WatchRequest(after_block=state.block_number, after_block_hash=state.block_hash)


async def watch(
    channel: grpc.aio.Channel, lost: Callable[[str], None], *, encrypted_keys: bool = True
) -> AsyncIterator[RegistryView]:
    """Yield each new view of the registry, for ever; `encrypted_keys` as for an `Assembler`.

    A broken stream is opened again after a pause that grows up to 2 s; `lost` is told why. The channel stays the
    caller's.
    """
    assembler = Assembler(encrypted_keys=encrypted_keys)
    pause_s = FIRST_PAUSE_S
    while True:
        call = RegistryStub(channel).Watch(assembler.resume_request())
        try:
            async for update in call:
                view = await asyncio.to_thread(assembler.feed, update)  # the first ones may be large
                if view is not None:
                    pause_s = FIRST_PAUSE_S
                    yield view
            lost("the eth1-listener ended the stream")
        except grpc.aio.AioRpcError as error:
            lost(str(RpcFailure.of(error)))
        finally:
            call.cancel()
        assembler.forget_parts()
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _gone(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> list[Any]:
    return [] if before is after else [key for key in before if key not in after]


def _changed_records(before: RegistryState, after: RegistryState) -> Iterator[tuple[str, Any]]:
    for operator in _changed(before.operators, after.operators):
        yield "operators", _operator_message(after.operators[operator])
    for validator in _changed(before.validators, after.validators):
        yield "validators", _validator_message(after.validators[validator])
    for owner in _changed(before.recipients, after.recipients):
        yield "fee_recipients", _recipient_message(owner, after.recipients[owner])


def _changed(before: Mapping[KeyT, Any], after: Mapping[KeyT, Any]) -> list[KeyT]:
    # states share their unchanged records, so identity answers most comparisons
    return [key for key, record in after.items() if (old := before.get(key)) is not record and old != record]


def _operator_message(record: OperatorRecord) -> pb.RegisteredOperator:
    return pb.RegisteredOperator(
        operator_id=record.operator_id,
        owner=record.owner,
        public_key=record.public_key,
        public_pem=record.public_pem or b"",
    )


def _validator_message(record: ValidatorRecord) -> pb.RegisteredValidator:
    return pb.RegisteredValidator(
        public_key=record.public_key,
        owner=record.owner,
        operator_ids=record.operator_ids,
        share_public_keys=record.share_public_keys,
        encrypted_keys=record.encrypted_keys,
        cluster_id=record.cluster_id,
        liquidated=record.liquidated,
        exit_block=record.exit_request.block_number if record.exit_request else 0,
        exit_block_time_s=record.exit_request.block_time_s if record.exit_request else 0,
    )


def _recipient_message(owner: ExecutionAddress, record: Recipient) -> pb.FeeRecipient:
    return pb.FeeRecipient(
        owner=owner,
        address=record.fee_recipient,
        next_nonce=record.next_nonce,
        changed_block=record.changed.block_number if record.changed else 0,
        changed_block_time_s=record.changed.block_time_s if record.changed else 0,
    )


def _operator(message: pb.RegisteredOperator) -> tuple[OperatorId, OperatorRecord]:
    operator_id = OperatorId(message.operator_id)
    owner = ExecutionAddress(message.owner)
    return operator_id, OperatorRecord(operator_id, owner, message.public_key, message.public_pem or None)


def _validator(message: pb.RegisteredValidator, *, encrypted_keys: bool) -> tuple[BlsPublicKey, ValidatorRecord]:
    record = ValidatorRecord(
        BlsPublicKey(message.public_key),
        ExecutionAddress(_shared(message.owner)),
        _operators(tuple(message.operator_ids)),
        tuple(BlsPublicKey(key) for key in message.share_public_keys),
        tuple(message.encrypted_keys) if encrypted_keys else (),
        _shared(message.cluster_id),
        message.liquidated,
        _moment(message.exit_block, message.exit_block_time_s),
    )
    return record.public_key, record


@lru_cache(maxsize=16384)
def _shared(value: bytes) -> bytes:
    """Return one object for equal values: thousands of validators have the same owner and cluster."""
    return value


@lru_cache(maxsize=16384)
def _operators(ids: tuple[int, ...]) -> tuple[OperatorId, ...]:
    """Return one object for equal committees."""
    return tuple(OperatorId(operator_id) for operator_id in ids)


def _recipient(message: pb.FeeRecipient) -> tuple[ExecutionAddress, Recipient]:
    changed = _moment(message.changed_block, message.changed_block_time_s)
    return ExecutionAddress(message.owner), Recipient(ExecutionAddress(message.address), message.next_nonce, changed)


def _moment(block_number: int, block_time_s: int) -> ChainMoment | None:
    return ChainMoment(block_number, block_time_s) if block_number else None  # the first block holds no events


class _Part:
    """The records of one message, converted as it comes."""

    def __init__(self, update: pb.RegistryUpdate, *, encrypted_keys: bool) -> None:
        self.snapshot = update.snapshot
        self.operators = [_operator(each) for each in update.operators]
        self.removed_operators = list(update.removed_operators)
        self.validators = [_validator(each, encrypted_keys=encrypted_keys) for each in update.validators]
        self.removed_validators = list(update.removed_validators)
        self.recipients = [_recipient(each) for each in update.fee_recipients]


def _all(parts: list[_Part], name: str) -> list[Any]:
    return [record for part in parts for record in getattr(part, name)]


def _merged(before: Mapping[KeyT, ValueT], changed: list[tuple[KeyT, ValueT]], removed: Any) -> Mapping[KeyT, ValueT]:
    if not changed and not removed:
        return before
    merged = {**before, **dict(changed)}
    for key in removed:
        merged.pop(key, None)
    return MappingProxyType(merged)


def _by_committee(records: Any) -> Mapping[CommitteeId, tuple[ValidatorRecord, ...]]:
    found: dict[CommitteeId, list[ValidatorRecord]] = {}
    for record in sorted(records, key=lambda record: record.public_key):
        found.setdefault(record.committee_id, []).append(record)
    return MappingProxyType({committee: tuple(members) for committee, members in found.items()})
