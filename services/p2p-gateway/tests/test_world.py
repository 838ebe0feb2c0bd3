from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import structlog
from structlog.testing import capture_logs
from tests.support.gateway_messages import network_from_now
from tests.support.gateway_operators import registry_state

from ssv_api.v1 import duties_pb2 as pb
from ssv_p2p_gateway.network_duties import follow
from ssv_p2p_gateway.world import BLOCKS_BEHIND, KEPT_EPOCHS, SILENCE_S, World
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Instant, OperatorId, Slot, ValidatorIndex
from ssv_protocol.validation.beacon_facts import BeaconValidator, NetworkDuties
from ssv_protocol.validation.incoming import Knowledge
from ssv_runtime.bus import KvEntry
from ssv_runtime.registry_client import RegistryView

Keys = dict[OperatorId, OperatorPrivateKey]
START = Instant(1_000.0)
FAR_FUTURE = Epoch(2**64 - 1)


def key(number: int) -> BlsPublicKey:
    return BlsPublicKey(bytes([number]) * 48)


def view(keys: Keys, behind: int = 0) -> RegistryView:
    state = registry_state(keys, [(1, 2, 3, 4)])
    return RegistryView(state, head_block=state.block_number + behind)


def world(keys: Keys) -> World:
    made = World(network_from_now())
    made.registry_came(view(keys), START)
    return made


def known(of: World) -> Knowledge:
    found = of.knowledge(START)
    assert found is not None
    return found


def test_before_the_registry_nothing_is_known_whatever_duties_come() -> None:
    new = World(network_from_now())
    new.duties_came(pb.NetworkDuties(epoch=1))
    assert new.knowledge(START) is None


def test_what_came_before_the_registry_is_known_with_it(keys: Keys) -> None:
    new = World(network_from_now())
    new.duties_came(pb.NetworkDuties(epoch=1))
    new.registry_came(view(keys), START)
    assert list(known(new).beacon.duties) == [1]


def test_the_registry_is_fresh_while_followed_near_the_head_and_heard_of(keys: Keys) -> None:
    followed = world(keys)
    late = Instant(START + SILENCE_S)
    assert followed.registry_is_fresh(late)
    assert not followed.registry_is_fresh(Instant(late + 1))
    for behind in (BLOCKS_BEHIND, BLOCKS_BEHIND + 1):
        followed.registry_came(view(keys, behind), START)
        assert known(followed).registry_is_fresh is (behind == BLOCKS_BEHIND)
    followed.registry_came(view(keys), START)
    followed.registry_lost()
    assert not known(followed).registry_is_fresh
    followed.registry_came(view(keys), START)
    assert known(followed).registry_is_fresh


def test_a_block_that_changes_nobody_keeps_the_directory(keys: Keys) -> None:
    followed = world(keys)
    directory = known(followed).directory
    state = registry_state(keys, [(1, 2, 3, 4)])
    followed.registry_came(RegistryView(state), START)
    after = known(followed).directory
    assert after is not directory
    followed.registry_came(RegistryView(replace(state, block_number=7)), START)
    assert known(followed).directory is after


def test_duties_of_the_newest_epochs_are_kept(keys: Keys) -> None:
    told = world(keys)
    for epoch in range(6, 1, -1):
        duty = pb.ProposerDuty(slot=8 * epoch, validator_index=epoch)
        told.duties_came(pb.NetworkDuties(epoch=epoch, proposers=[duty], sync_committee_validators=[epoch, 99]))
    duties = known(told).beacon.duties
    assert sorted(duties) == [6 - ago for ago in reversed(range(KEPT_EPOCHS))]
    assert duties[Epoch(6)] == NetworkDuties(
        frozenset({(Slot(48), ValidatorIndex(6))}), frozenset(map(ValidatorIndex, (6, 99)))
    )
    assert told.newest_epoch == 6


def test_each_part_of_the_validators_replaces_its_older_self(keys: Keys) -> None:
    told = world(keys)
    one, other = pb.KnownValidator(index=1, public_key=key(1)), pb.KnownValidator(index=17, public_key=key(17))
    leaving = pb.KnownValidator(index=2, public_key=key(2), activation_epoch=3, exit_epoch=9)
    told.validators_came("1", pb.KnownValidators(epoch=5, validators=[one, other]))
    told.validators_came("2", pb.KnownValidators(epoch=5, validators=[leaving]))
    told.validators_came("1", pb.KnownValidators(epoch=6, validators=[one]))
    told.validators_came("1", pb.KnownValidators(epoch=5, validators=[other]))
    assert told.validator_count == 2
    assert dict(known(told).beacon.validators) == {
        key(1): BeaconValidator(ValidatorIndex(1), FAR_FUTURE, FAR_FUTURE),
        key(2): BeaconValidator(ValidatorIndex(2), Epoch(3), Epoch(9)),
    }


def test_the_bucket_is_read_and_what_cannot_be_read_is_skipped(keys: Keys) -> None:
    told = world(keys)

    async def entries() -> AsyncIterator[KvEntry]:
        yield KvEntry("4.network", b"\xff", 1)
        yield KvEntry("3.network", pb.NetworkDuties(epoch=3).SerializeToString(), 2)
        part = pb.KnownValidators(epoch=3, validators=[pb.KnownValidator(index=1, public_key=key(1))])
        yield KvEntry("3.network.1", part.SerializeToString(), 3)
        yield KvEntry("3.network", None, 4)

    epochs: list[Epoch | None] = []
    with capture_logs() as logs:
        asyncio.run(follow(entries(), told, lambda: epochs.append(told.newest_epoch), structlog.get_logger()))
    assert [entry["key"] for entry in logs] == ["4.network"]
    assert epochs == [None, 3, 3]
    assert list(known(told).beacon.validators) == [key(1)]
