"""Five gateways as processes that know one bootnode's record: they find each other over real UDP and form meshes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.gateway_messages import Author, network_from_now
from tests.support.gateway_operators import Operator, registry_state, until, world_of

from ssv_api.v1.gateway_pb2 import PeersResponse
from ssv_discv5 import to_text
from ssv_p2p_gateway.discovery.records import found
from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import OperatorId

Keys = dict[OperatorId, OperatorPrivateKey]
FIRST, SECOND = (1, 2, 3, 4), (2, 3, 4, 5)


def subnets(operator: Operator) -> set[int]:
    """Return what an operator's record says that it listens to."""
    node = found(operator.record)
    return set() if node is None else set(node.subnets)


def subnet_of(author: Author) -> int:
    return int(author.topic.rpartition(".")[2])


async def introduced(operator: Operator) -> PeersResponse:
    """Return who is connected once all have said who they are and discovery knows three nodes."""

    async def are() -> PeersResponse | None:
        answer = await operator.peers()
        return answer if answer.discovered["ssvdv5"] >= 3 and all(peer.domain for peer in answer.peers) else None

    answer: PeersResponse = await until("handshakes", are)
    return answer


@pytest.mark.asyncio
async def test_five_gateways_find_each_other_from_one_bootnode(tmp_path: Path, keys: Keys) -> None:
    network = network_from_now()
    one, other = Author(network, keys, FIRST), Author(network, keys, SECOND)
    state = registry_state(keys, [FIRST, SECOND])
    async with world_of(tmp_path, network, keys, [1, 2, 3, 4, 5], state, discovery=True) as world:
        # each committee's members mesh, though all that they were told is where the first one is
        for operator in world.operators:
            for author in (one, other):
                if operator.number in author.members:
                    await operator.meshed(author.topic, 3)
        for author in (one, other):
            sender, *receivers = [world.operator_of(number) for number in author.members]
            data = author.message(sender.number)
            assert (await sender.publish(author.topic, data)).peers == 3
            for receiver in receivers:
                await receiver.brings(data)

        # whom they have dialled is on loopback, of their network, and shares a subnet; each told who it is
        for operator in world.operators:
            answer = await introduced(operator)
            assert answer.record == to_text(operator.record)
            assert all(peer.address.startswith("/ip4/127.0.0.1/") for peer in answer.peers)
            assert all(peer.domain == network.ssv.alan_domain for peer in answer.peers)
            assert all(set(peer.subnets) & subnets(operator) for peer in answer.peers)
            assert not answer.banned

        # who shares no subnet is known, and not dialled
        strangers = {peer.peer_id for peer in (await world.operator_of(1).peers()).peers}
        assert (await world.operator_of(5).peers()).peer_id not in strangers

        # the record follows the topics
        await until("both subnets", lambda: subnets(world.operator_of(2)) == {subnet_of(one), subnet_of(other)})
        assert subnets(world.operator_of(1)) == {subnet_of(one)}
        before = world.operator_of(2).record
        later = registry_state(keys, [SECOND])
        await world.operator_of(2).registry.become(replace(later, block_number=2, block_hash=b"\x02" * 32))
        await until("the second subnet alone", lambda: subnets(world.operator_of(2)) == {subnet_of(other)})
        assert world.operator_of(2).record.seq > before.seq
