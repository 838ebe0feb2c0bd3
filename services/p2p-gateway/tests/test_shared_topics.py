"""Three gateways of one operator as processes on one real NATS: each topic on two, also after one is killed."""

from __future__ import annotations

import itertools
import shutil
import signal
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.gateway_messages import Author, network_from_now
from tests.support.gateway_operators import Operator, World, registry_state, until, world_of

from ssv_protocol.crypto.rsa import OperatorPrivateKey
from ssv_protocol.types.ids import OperatorId

Keys = dict[OperatorId, OperatorPrivateKey]
COMMITTEES: list[tuple[int, ...]] = [(1, *others) for others in itertools.combinations((2, 3, 4, 5, 9), 3)]
NAMES = ("a", "b", "c")


def beside(world: World, first: Operator, name: str) -> Operator:
    """Return another gateway of the operator: the same bus and registry, a key and ports of its own."""
    folder = world.folder / f"gateway-{name}"
    folder.mkdir()
    for pattern in ("*.pem", "*.key", "password"):
        for file in first.folder.glob(pattern):
            shutil.copy(file, folder)
    own = {
        key: value.replace(f"{first.folder}/", f"{folder}/") if isinstance(value, str) else value
        for key, value in first.settings.items()
    }
    return Operator(first.number, folder, first.nats, {**own, "gateways": len(NAMES), "gateway_id": name})


async def listened_to(gateway: Operator) -> list[str]:
    return list((await gateway.peers()).topics)


async def on(gateways: list[Operator]) -> Counter[str]:
    """Return on how many of the gateways each topic is."""
    found: Counter[str] = Counter()
    for gateway in gateways:
        found.update(await listened_to(gateway))
    return found


@pytest.mark.asyncio
async def test_each_topic_is_on_two_gateways_whoever_dies(tmp_path: Path, keys: Keys) -> None:
    network = network_from_now()
    topics = {Author(network, keys, committee).topic for committee in COMMITTEES}
    author = Author(network, keys, COMMITTEES[0])
    async with world_of(tmp_path, network, keys, [1, 2], registry_state(keys, COMMITTEES)) as world:
        alone, other = world.operators
        alone.kill(signal.SIGTERM)
        gateways = [beside(world, alone, name) for name in NAMES]
        with ExitStack() as stack:
            for gateway in gateways:
                (gateway.folder / "peers").write_text(f"{other.address}\n")
                stack.callback(lambda gateway=gateway: gateway.process and gateway.kill())  # type: ignore[misc]
                gateway.start()

            async def are_twice(living: list[Operator]) -> bool:
                return await on(living) == dict.fromkeys(topics, 2)

            for gateway in gateways:
                await gateway.ready()
            await until("each topic on two of three", lambda: are_twice(gateways))
            assert sorted(topics) not in [await listened_to(gateway) for gateway in gateways]

            async def answered() -> None:
                message = author.message(1)

                async def sent() -> bool:
                    reply = await alone.publish(author.topic, message)
                    return not reply.error and reply.peers > 0

                await until("a peer", sent)
                await until("the message", lambda: message in [each.data for each in other.came])
                back = author.message(2)
                await other.publish(author.topic, back)
                await until("the answer", lambda: back in [each.data for each in alone.came])

            await answered()
            (dying, _) = [gateway for gateway in gateways if author.topic in await listened_to(gateway)]
            dying.kill(signal.SIGKILL)
            living = [gateway for gateway in gateways if gateway is not dying]
            await until("each topic on both that are left", lambda: are_twice(living))
            await answered()
            dying.start()
            await dying.ready()
            await until("each topic on two of three again", lambda: are_twice(gateways))
