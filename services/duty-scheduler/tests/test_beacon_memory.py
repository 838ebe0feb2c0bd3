"""What is asked again of the beacon node, and what is not."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from aiohttp import web
from tests.support.fake_beacon import FakeBeacon, served_beacon

from ssv_duty_scheduler.beacon_memory import ATTESTERS_A_REQUEST, LOOK_UP_EPOCHS, PUBKEYS_A_REQUEST, BeaconMemory
from ssv_duty_scheduler.instruments import Instruments
from ssv_ethereum.beacon.errors import BeaconError
from ssv_ethereum.pool.pool import BeaconPool
from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ForkVersion, Root, ValidatorIndex
from ssv_runtime.service import Service

FORKS = (ScheduledFork(BeaconFork.PHASE0, ForkVersion(bytes(4)), Epoch(0)),)
CHAIN = BeaconChain(0, Root(bytes(32)), 12.0, 32, 256, 512, FORKS)
OTHERS = 2 * PUBKEYS_A_REQUEST
LOOK_UPS = "beacon/states/head/validators"


def key(number: int) -> BlsPublicKey:
    return BlsPublicKey(number.to_bytes(48))


def test_own_validators_are_looked_up_in_each_epoch_and_of_others_a_sixteenth() -> None:
    own, late = key(1), key(2)
    keys = {own, late, *(key(number) for number in range(3, OTHERS + 1))}

    async def scenario() -> None:
        beacon = FakeBeacon({each: int.from_bytes(each) for each in keys - {late}}, CHAIN)
        async with served_beacon(beacon), BeaconPool([beacon.url], CHAIN) as pool, Service("duty-scheduler") as service:
            memory = BeaconMemory(pool, Instruments(service.log, service.metrics, service.health))
            await memory.look_up(keys, {own}, CHAIN.first_slot(Epoch(1)))
            assert beacon.requests[LOOK_UPS] == 2
            assert memory.infos.keys() == keys - {late}
            beacon.indices[late], beacon.statuses[1] = 2, "active_exiting"
            await memory.look_up(keys, {own}, CHAIN.first_slot(Epoch(2)))
            assert beacon.requests[LOOK_UPS] == 3
            assert memory.infos.keys() == keys
            assert memory.infos[own].status == "active_exiting"
            others = keys - {own, late}
            beacon.statuses.update({int.from_bytes(other): "exited_unslashed" for other in others})
            seen = []
            for epoch in range(3, 3 + LOOK_UP_EPOCHS):
                await memory.look_up(keys, {own}, CHAIN.first_slot(Epoch(epoch)))
                seen.append(sum(memory.infos[other].status == "exited_unslashed" for other in others))
            assert max(after - before for before, after in itertools.pairwise([0, *seen])) <= OTHERS // LOOK_UP_EPOCHS
            assert seen[-1] == len(others)
            assert beacon.requests[LOOK_UPS] == 3 + LOOK_UP_EPOCHS

    asyncio.run(scenario())


def test_a_large_question_is_asked_in_parts_and_of_one_chain_only() -> None:
    own = {key(number) for number in range(1, 2 * ATTESTERS_A_REQUEST + 2)}

    async def scenario() -> None:
        beacon = FakeBeacon({each: int.from_bytes(each) for each in own}, CHAIN)
        async with served_beacon(beacon), BeaconPool([beacon.url], CHAIN) as pool, Service("duty-scheduler") as service:
            memory = BeaconMemory(pool, Instruments(service.log, service.metrics, service.health))
            indices = frozenset(ValidatorIndex(index) for index in beacon.indices.values())
            await memory.ask_attester(Epoch(1), indices)
            assert beacon.requests["validator/duties/attester/1"] == 3
            known = memory.duties(Epoch(1)).attester
            assert known is not None
            assert {duty.validator_index for duty in known.duties} == indices
            answer = beacon.answer

            async def changing(request: web.Request) -> web.StreamResponse:
                response = await answer(request)
                beacon.roots[2] = bytes([beacon.requests["validator/duties/attester/2"]]) * 32
                return response

            beacon.answer = changing  # type: ignore[method-assign]
        async with served_beacon(beacon), BeaconPool([beacon.url], CHAIN) as pool, Service("duty-scheduler") as service:
            memory = BeaconMemory(pool, Instruments(service.log, service.metrics, service.health))
            with pytest.raises(BeaconError, match="the chain is changing"):
                await memory.ask_attester(Epoch(2), indices)
            assert memory.duties(Epoch(2)).attester is None

    asyncio.run(scenario())
