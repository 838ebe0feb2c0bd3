"""Gateways as processes, libp2p on loopback, real NATS servers: what is good arrives once, what is not never."""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.gateway_messages import Author, network_from_now
from tests.support.gateway_operators import registry_state, until, world_of
from tests.support.gateway_stranger import stranger_at

from ssv_p2p_gateway.bus_side import RECEIVED_HEADER
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import OperatorId
from ssv_protocol.validation.verdict import GossipReason

Keys = dict[OperatorId, OperatorPrivateKey]
FOUR = (1, 2, 3, 4)
OTHER = (1, 2, 3, 5)


@pytest.mark.asyncio
async def test_four_gateways_give_every_message_once_to_each_bus(tmp_path: Path, keys: Keys) -> None:
    network = network_from_now()
    author = Author(network, keys, FOUR)
    async with world_of(tmp_path, network, keys, [1, 2, 3, 4], registry_state(keys, [FOUR])) as world:
        await world.meshed(author.topic)
        sent: dict[int, list[bytes]] = {number: [author.message(number) for _ in range(25)] for number in FOUR}
        for place in range(25):
            for operator in world.operators:
                reply = await operator.publish(author.topic, sent[operator.number][place])
                assert (reply.peers, reply.error) == (3, "")
        sizes = [author.proposal(1, 10_000), author.proposal(1, 700_000)]
        for data in sizes:
            await world.operator_of(1).publish(author.topic, data)
        sent[1] += sizes
        for operator in world.operators:
            expected = Counter(data for number in FOUR if number != operator.number for data in sent[number])
            assert Counter(await operator.received(expected.total())) == expected
            message = operator.came[0]
            assert message.subject == f"ssv.gossip.in.{author.committee.hex()}"
            assert message.headers is not None
            assert int(message.headers[RECEIVED_HEADER]) > network.chain.genesis_time_s * 1_000_000

        # a repeat is told as the first was, and sent to nobody
        again = sent[1][0]
        assert (await world.operator_of(1).publish(author.topic, again)).peers == 3
        await world.operator_of(1).metric("repeated_requests_total 1.0")
        for operator in world.operators[1:]:
            await operator.metric("repeated_requests_total 0.0")
        marker = author.message(1)
        await world.operator_of(1).publish(author.topic, marker)
        for operator in world.operators[1:]:
            await operator.last(marker)
            assert max(Counter(message.data for message in operator.came).values()) == 1

        replayed = await world.operator_of(4).replay(author.committee)
        assert {each.message for each in replayed} <= {message.data for message in world.operator_of(4).came}
        assert replayed[-1].message == marker


@pytest.mark.asyncio
async def test_a_killed_gateway_comes_back_as_the_same_peer(tmp_path: Path, keys: Keys) -> None:
    network = network_from_now()
    author = Author(network, keys, FOUR)
    async with world_of(tmp_path, network, keys, [1, 2], registry_state(keys, [FOUR])) as world:
        one, two = world.operators
        await world.meshed(author.topic)
        before = one.address
        await two.metric("peers 1.0")
        one.kill(signal.SIGKILL)
        await two.metric("peers 0.0")
        assert two.problems() == {"peers": "no peer is connected"}
        lonely = author.message(2)
        assert (await two.publish(author.topic, lonely)).peers == 0
        one.start()
        await until("a new address", lambda: one.address != before)
        assert one.address.rpartition("/")[2] == before.rpartition("/")[2]
        # `two` still has the old address: it is `one` that dials, and then the devnet tells the new one
        await world.meshed(author.topic)
        world.introduce()
        await one.ready()
        await two.ready()
        for sender, receiver, signer in ((one, two, 1), (two, one, 2)):
            data = author.message(signer)
            assert (await sender.publish(author.topic, data)).peers == 1
            await receiver.last(data)
        # what nobody could be given is sent when the worker repeats it; the mesh may have caught up by itself before
        assert (await two.publish(author.topic, lonely)).peers == 1
        await until("the lonely message", lambda: lonely in [message.data for message in one.came])
        assert one.kill(signal.SIGTERM) == 0


@pytest.mark.asyncio
async def test_a_gateway_that_is_back_before_it_is_missed(tmp_path: Path, keys: Keys) -> None:
    network = network_from_now()
    author = Author(network, keys, FOUR)
    async with world_of(tmp_path, network, keys, [1, 2], registry_state(keys, [FOUR])) as world:
        one, two = world.operators
        for _ in range(3):
            await world.meshed(author.topic)
            one.kill(signal.SIGKILL)
            one.start()
            await until("one runs", one.health_file.exists)
            await one.metric("peers 1.0")
            await world.meshed(author.topic)
            for sender, receiver, signer in ((one, two, 1), (two, one, 2)):
                data = author.message(signer)
                await sender.publish(author.topic, data)
                await receiver.last(data)


@pytest.mark.asyncio
async def test_a_bus_that_was_away_gets_the_rest_by_replay(tmp_path: Path, keys: Keys) -> None:
    network = network_from_now()
    author = Author(network, keys, FOUR)
    async with world_of(tmp_path, network, keys, [1, 2], registry_state(keys, [FOUR])) as world:
        one, two = world.operators
        await world.meshed(author.topic)
        two.nats.kill()
        await until("two misses its bus", lambda: (two.problems() or {}).get("nats"))
        missed = author.message(1)
        assert (await one.publish(author.topic, missed)).peers == 1
        await two.metric('bus_losses_total{reason="BusUnavailable"} 1.0')
        await two.nats.start()
        await two.ready()
        await until("the worker is back", lambda: two.worker.is_connected)
        assert two.came == []
        assert missed in {each.message for each in await two.replay(author.committee)}
        data = author.message(1)
        await one.publish(author.topic, data)
        assert await two.received(1) == [data]


@pytest.mark.asyncio
async def test_what_is_bad_reaches_neither_bus_nor_peers(tmp_path: Path, keys: Keys) -> None:
    network = network_from_now()
    author, other = Author(network, keys, FOUR), Author(network, keys, OTHER)
    state = registry_state(keys, [FOUR, OTHER])
    async with world_of(tmp_path, network, keys, [1, 2], state) as world:
        one, two = world.operators
        await world.meshed(author.topic)
        await world.meshed(other.topic)
        async with stranger_at(one.address, [author.topic, other.topic]) as stranger:
            await until("one knows the stranger", lambda: stranger.node.peer_count)
            await one.meshed(author.topic, 2)

            old = replace(author, count=1_000).message(1)
            cases: list[tuple[GossipReason, str, bytes, dict[str, bytes]]] = [
                (GossipReason.UNDECODABLE, author.topic, b"junk", {}),
                (GossipReason.SIGNATURE, author.topic, author.forged(1, by=2), {}),
                (GossipReason.WRONG_TOPIC, other.topic, author.message(1), {}),
                (GossipReason.SIGNER_NOT_IN_COMMITTEE, author.topic, author.message(9), {}),
                (GossipReason.PUBSUB_SIGNATURE, author.topic, author.message(1), {"signature": b"signature"}),
                (GossipReason.PUBSUB_AUTHOR, author.topic, author.message(1), {"author": b""}),
            ]
            for _, topic, data, otherwise in cases:
                stranger.say(topic, data, **otherwise)
            stranger.say(author.topic, old)
            assert await two.received(1) == [old]
            assert await one.received(1) == [old]
            answer = await one.peers()
            scores = {peer.peer_id: peer.score for peer in answer.peers}
            (blamed,) = [score for score in scores[str(stranger.id)].by_topic if score.topic == author.topic]
            assert scores[str(stranger.id)].total < blamed.invalid_messages / 2 < 0
            assert all(score.total >= 0 for peer, score in scores.items() if peer != str(stranger.id))
            assert {mesh.topic for mesh in answer.meshes} == {author.topic, other.topic}
        assert dict((await one.peers()).refused_by_reason) == {reason: 1 for reason, *_ in cases}
        assert dict((await two.peers()).refused_by_reason) == {}
        assert dict((await two.peers()).accepted_by_topic) == {author.topic: 1}


@pytest.mark.asyncio
async def test_own_bad_messages_are_not_published(tmp_path: Path, keys: Keys) -> None:
    network = network_from_now()
    author = Author(network, keys, FOUR)
    async with world_of(tmp_path, network, keys, [1, 2], registry_state(keys, [FOUR])) as world:
        one, two = world.operators
        await world.meshed(author.topic)
        for topic, data, reason in [
            (author.topic, b"junk", GossipReason.UNDECODABLE),
            ("ssv.v2.1", author.message(1), GossipReason.WRONG_TOPIC),
            (author.topic, author.forged(1, by=2), GossipReason.SIGNATURE),
        ]:
            reply = await one.publish(topic, data)
            assert reply.peers == 0
            assert reply.error.startswith(reason)
        good = author.message(1)
        await one.publish(author.topic, good)
        assert await two.received(1) == [good]


@pytest.mark.asyncio
async def test_topics_follow_the_registry(tmp_path: Path, keys: Keys) -> None:
    network = network_from_now()
    author, other = Author(network, keys, FOUR), Author(network, keys, OTHER)
    async with world_of(tmp_path, network, keys, [1], registry_state(keys, [FOUR])) as world:
        (one,) = world.operators

        async def topics() -> list[str]:
            return list((await one.peers()).topics)

        async def is_now(expected: list[str]) -> bool:
            return await topics() == expected

        await until("the first topic", lambda: is_now([author.topic]))
        await one.registry.become(replace(registry_state(keys, [FOUR, OTHER]), block_number=2, block_hash=b"\x02" * 32))
        await until("both topics", lambda: is_now(sorted([author.topic, other.topic])))
        await one.registry.become(replace(registry_state(keys, [OTHER]), block_number=3, block_hash=b"\x03" * 32))
        await until("the second alone", lambda: is_now([other.topic]))
