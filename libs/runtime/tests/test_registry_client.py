"""Any two states: what one side says of the difference, the other side makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssv_api.v1 import registry_pb2 as pb
from ssv_api.v1.registry_pb2_grpc import RegistryServicer, add_RegistryServicer_to_server
from ssv_protocol.registry.state import ChainMoment, OperatorRecord, Recipient, RegistryState, ValidatorRecord
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId
from ssv_runtime import registry_client
from ssv_runtime.registry_client import Assembler, RegistryView, updates, watch

OWN = OperatorId(1)
small = st.integers(0, 3)


def owner(number: int) -> ExecutionAddress:
    return ExecutionAddress(bytes([number]) * 20)


def moment(version: int) -> ChainMoment | None:
    return ChainMoment(version, 1_700_000_000 + version) if version else None


def operator(number: int, version: int) -> OperatorRecord:
    return OperatorRecord(OperatorId(number + 1), owner(version), b"as registered", b"pem" if version else None)


def validator(number: int, version: int) -> ValidatorRecord:
    operators = tuple(OperatorId(version + seat) for seat in range(1, 5))
    shares = tuple(BlsPublicKey(bytes([seat]) * 48) for seat in operators)
    encrypted = tuple(bytes([seat]) * 256 for seat in operators)
    key = BlsPublicKey(bytes([number]) * 48)
    return ValidatorRecord(
        key, owner(version), operators, shares, encrypted, b"\x05" * 32, version == 2, moment(version)
    )


@st.composite
def states(draw: st.DrawFn) -> RegistryState:
    block = draw(st.integers(-1, 9))
    operators = [operator(number, version) for number, version in draw(st.dictionaries(small, small)).items()]
    validators = [validator(number, version) for number, version in draw(st.dictionaries(small, small)).items()]
    recipients = {owner(n): Recipient(owner(v), v, moment(v)) for n, v in draw(st.dictionaries(small, small)).items()}
    return RegistryState(
        block,
        bytes(32) if block == -1 else bytes([block]) * 32,
        MappingProxyType({record.operator_id: record for record in operators}),
        MappingProxyType({record.public_key: record for record in validators}),
        MappingProxyType(recipients),
    )


def feed(assembler: Assembler, messages: list[pb.RegistryUpdate]) -> RegistryView:
    views = [assembler.feed(message) for message in messages]
    assert views[:-1] == [None] * (len(views) - 1)
    assert views[-1] is not None
    return views[-1]


@given(states(), states(), st.sampled_from([1, 600, 1 << 20]))
@settings(max_examples=200)
def test_a_client_follows_from_any_state_to_any_other(
    before: RegistryState, after: RegistryState, part_bytes: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry_client, "PART_BYTES", part_bytes)
        client = Assembler()
        assert feed(client, list(updates(None, before, None, 7))) == RegistryView(before, None, 7)
        assert feed(client, list(updates(before, after, OWN, 9))) == RegistryView(after, OWN, 9)


def test_a_large_registry_comes_in_parts() -> None:
    validators = {record.public_key: record for record in (validator(number, 1) for number in range(200))}
    state = RegistryState(4, b"\x04" * 32, validators=MappingProxyType(validators))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry_client, "PART_BYTES", 10_000)
        messages = list(updates(None, state, OWN, 4))
    assert len(messages) > 20
    assert [message.incomplete for message in messages] == [True] * (len(messages) - 1) + [False]
    assert max(message.ByteSize() for message in messages) < 12_000
    assert feed(Assembler(), messages).state == state


def test_a_client_may_do_without_the_encrypted_keys() -> None:
    records = [validator(number, 1) for number in range(3)]
    state = RegistryState(4, b"\x04" * 32, validators=MappingProxyType({each.public_key: each for each in records}))
    client = Assembler(encrypted_keys=False)
    view = feed(client, list(updates(None, state, OWN, 4)))
    slim = {each.public_key: replace(each, encrypted_keys=()) for each in records}
    assert view == RegistryView(replace(state, validators=MappingProxyType(slim)), OWN, 4)
    assert view is not None
    owners = {id(each.owner) for each in view.state.validators.values()}
    assert len(owners) == 1


def test_views_of_the_same_validators_have_the_same_committees() -> None:
    state = RegistryState(4, b"\x04" * 32, validators=MappingProxyType({validator(1, 0).public_key: validator(1, 0)}))
    client = Assembler()
    first = feed(client, list(updates(None, state, OWN, 4)))
    later = replace(state, block_number=5, block_hash=b"\x05" * 32)
    assert first is not None
    assert first.own_committees
    second = feed(client, list(updates(state, later, OWN, 5)))
    assert second is not None
    assert second.own_committees is first.own_committees
    other = feed(client, list(updates(later, later, OperatorId(9), 5)))
    assert other is not None
    assert not other.own_committees
    changed = replace(later, validators=MappingProxyType({validator(2, 0).public_key: validator(2, 0)}))
    third = feed(client, list(updates(later, changed, OWN, 6)))
    assert third is not None
    assert [each.public_key for records in third.own_committees.values() for each in records] == [
        validator(2, 0).public_key
    ]


def test_only_what_changed_is_sent() -> None:
    before = RegistryState(1, b"\x01" * 32, MappingProxyType({OWN: operator(0, 1)}))
    after = RegistryState(2, b"\x02" * 32, MappingProxyType({**before.operators, OperatorId(2): operator(1, 1)}))
    (message,) = updates(before, after, OWN, 2)
    assert not message.snapshot
    assert [record.operator_id for record in message.operators] == [2]


def test_half_a_block_is_forgotten_with_its_stream() -> None:
    state = RegistryState(4, b"\x04" * 32, MappingProxyType({OWN: operator(0, 1)}))
    client = Assembler()
    client.feed(pb.RegistryUpdate(snapshot=True, incomplete=True, removed_operators=[1]))
    client.forget_parts()
    assert feed(client, list(updates(None, state, OWN, 4))).state == state


def test_committees_of_the_network_and_of_the_operator() -> None:
    records = [validator(0, 0), validator(1, 0), validator(2, 1)]
    state = RegistryState(1, b"\x01" * 32, validators=MappingProxyType({r.public_key: r for r in records}))
    view = RegistryView(state, OWN, 1)
    assert {len(members) for members in view.committees.values()} == {1, 2}
    assert list(view.own_committees) == [records[0].committee_id]
    assert RegistryView(state, None, 1).own_committees == {}


class Listener(RegistryServicer):
    """Says what it was asked; ends every stream after two blocks."""

    def __init__(self) -> None:
        self.requests: list[pb.WatchRequest] = []

    async def Watch(self, request: pb.WatchRequest, context: Any) -> AsyncIterator[pb.RegistryUpdate]:  # noqa: N802
        self.requests.append(request)
        first = request.after_block + 1
        state = None if not request.after_block else block(first - 1)
        for number in (first, first + 1):
            for message in updates(state, block(number), OWN, number):
                yield message
            state = block(number)


def block(number: int) -> RegistryState:
    operators = {OperatorId(seat + 1): operator(seat, 1) for seat in range(number)}
    return RegistryState(number, number.to_bytes(32, "big"), MappingProxyType(operators))


@pytest.mark.asyncio
async def test_a_watch_goes_on_where_its_stream_broke() -> None:
    listener = Listener()
    server = grpc.aio.server()
    add_RegistryServicer_to_server(listener, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    reasons: list[str] = []
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel, asyncio.timeout(20):
            views = watch(channel, reasons.append)
            for number in range(1, 6):
                assert (await anext(views)).state == block(number)
            await views.aclose()  # type: ignore[attr-defined]
    finally:
        await server.stop(None)
    assert [request.after_block for request in listener.requests] == [0, 2, 4]
    assert listener.requests[1].after_block_hash == (2).to_bytes(32, "big")
    assert len(reasons) == 2
