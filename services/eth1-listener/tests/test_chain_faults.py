"""A real EVM that reorganises, and what providers do in front of it: the registry is always that of a clean rebuild."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from tests.support.listener import Listener, clean_rebuild, listening, until
from tests.support.registered_chain import RegisteredChain, registered_chain
from web3.types import RPCEndpoint

from ssv_devnet.faults import OtherBlocks, Reset, StingyProvider
from ssv_devnet.proxy import proxied
from ssv_devnet.registry_contract import NEW_CLUSTER, TransactionReverted

DEEPEST = 20


def on_a_chain(scenario: Callable[[RegisteredChain], Awaitable[None]]) -> None:
    async def run() -> None:
        async with registered_chain() as chain:
            await scenario(chain)

    asyncio.run(run())


async def reorganise(chain: RegisteredChain, depth: int) -> None:
    answer = await chain.contract.web3.provider.make_request(RPCEndpoint("anvil_reorg"), [depth, []])
    assert "error" not in answer, answer


async def mine(chain: RegisteredChain, blocks: int) -> None:
    await chain.contract.web3.provider.make_request(RPCEndpoint("anvil_mine"), [hex(blocks)])


async def some_event(chain: RegisteredChain, dice: random.Random) -> None:
    with suppress(TransactionReverted):  # a cluster that is liquidated takes only what reactivates it
        await _some_event(chain, dice)


async def _some_event(chain: RegisteredChain, dice: random.Random) -> None:
    match dice.randrange(5):
        case 0:
            await chain.add_validators(1)
        case 1:
            await chain.add_broken_validator()
        case 2:
            await chain.set_fee_recipient(dice.randbytes(20))
        case 3:
            await chain.liquidate()
        case 4:
            await chain.reactivate()


async def is_as_rebuilt(listener: Listener, chain: RegisteredChain) -> None:
    """Wait until the listener is at the head, and compare."""
    head = await chain.contract.web3.eth.get_block("latest")
    await until(lambda: listener.sync.state.block_hash == bytes(head["hash"]) and listener.feed.live)
    assert listener.feed.view is not None
    rebuilt = await clean_rebuild(chain, head["number"])
    assert listener.feed.view.state.state_hash() == rebuilt.state_hash()
    assert listener.store.load().state.state_hash() == rebuilt.state_hash()


def test_reorganisations_of_every_depth_during_live_sync_and_while_it_is_away(tmp_path: Path) -> None:
    dice = random.Random(8)

    async def scenario(chain: RegisteredChain) -> None:
        await chain.add_validators(3)
        await mine(chain, DEEPEST)
        deep = 0.0
        for depth in range(1, DEEPEST + 1, 4):  # each run sees several, then it is stopped while the next one comes
            async with listening(chain.url, chain.network, tmp_path / "db") as listener:
                await is_as_rebuilt(listener, chain)
                for each in range(depth, min(depth + 3, DEEPEST + 1)):
                    for _ in range(2):
                        await some_event(chain, dice)
                    await is_as_rebuilt(listener, chain)
                    await reorganise(chain, each)
                    if dice.random() < 0.5:
                        await some_event(chain, dice)
                    await is_as_rebuilt(listener, chain)
                assert listener.watched.value("rebuilds_total") == 0
                deep += listener.watched.value("reorganisations_total") or 0
            await some_event(chain, dice)
            await reorganise(chain, min(depth + 3, DEEPEST))
        assert deep >= DEEPEST * 3 // 4
        async with listening(chain.url, chain.network, tmp_path / "db") as listener:
            await is_as_rebuilt(listener, chain)

    on_a_chain(scenario)


def test_provider_limits_and_dropped_connections_cost_no_event(tmp_path: Path) -> None:
    async def scenario(chain: RegisteredChain) -> None:
        await chain.tell_a_long_story()
        async with proxied(chain.url) as proxy:
            proxy.fault = StingyProvider(largest_range=3, drops_every=4)
            async with listening(proxy.url, chain.network, tmp_path / "db") as listener:
                await is_as_rebuilt(listener, chain)
                await chain.add_validators(2)
                await is_as_rebuilt(listener, chain)
            assert proxy.requests.total() > 20

    on_a_chain(scenario)


def test_of_two_nodes_that_disagree_the_one_followed_so_far_is_believed(tmp_path: Path) -> None:
    async def scenario(chain: RegisteredChain) -> None:
        await chain.add_validators(2)
        async with AsyncExitStack() as stack:
            honest, liar = [await stack.enter_async_context(proxied(chain.url)) for _ in range(2)]
            urls = [honest.url, liar.url]
            listener = await stack.enter_async_context(listening(urls, chain.network, tmp_path / "db"))
            await is_as_rebuilt(listener, chain)
            liar.fault = OtherBlocks(await chain.head() + 1)
            for _ in range(3):
                await chain.add_validators(1)
                await is_as_rebuilt(listener, chain)
            await until(lambda: disagreement(listener, liar.url) == 1)
            honest.fault = Reset()
            await until(lambda: "execution" in listener.watched.health.problems())
            head = listener.sync.state.block_number
            await chain.add_validators(1)
            await until(lambda: disagreement(listener, liar.url) == 1)
            assert listener.sync.state.block_number == head
            honest.fault = None
            await is_as_rebuilt(listener, chain)
            liar.fault = None
            await until(lambda: disagreement(listener, liar.url) == 0)
            assert listener.watched.value("rebuilds_total") == 0

    on_a_chain(scenario)


def test_one_node_after_the_other_goes_away(tmp_path: Path) -> None:
    async def scenario(chain: RegisteredChain) -> None:
        async with AsyncExitStack() as stack:
            nodes = [await stack.enter_async_context(proxied(chain.url)) for _ in range(2)]
            urls = [node.url for node in nodes]
            listener = await stack.enter_async_context(listening(urls, chain.network, tmp_path / "db"))
            for node in nodes * 2:
                node.fault = Reset()
                await chain.add_validators(1)
                await is_as_rebuilt(listener, chain)
                assert "execution" not in listener.watched.health.problems()
                node.fault = None
                await until(lambda: all(is_good(listener, url) for url in urls))

    on_a_chain(scenario)


def disagreement(listener: Listener, url: str) -> float | None:
    return listener.watched.value("execution_node_disagrees", endpoint=url.rstrip("/"))


def is_good(listener: Listener, url: str) -> bool:
    return listener.watched.value("execution_node_good", endpoint=url.rstrip("/")) == 1


def test_malformed_registrations_are_skipped_and_take_their_nonce(tmp_path: Path) -> None:
    async def scenario(chain: RegisteredChain) -> None:
        async with listening(chain.url, chain.network, tmp_path / "db") as listener:
            whole = bytes(96 + 4 * (48 + 256))
            for key, shares in ((b"\x8a" + bytes(47), whole), (b"\xff" * 48, whole), (bytes(range(48)), whole[:-1])):
                await chain.contract.send("registerValidator", key, chain.operator_ids, shares, NEW_CLUSTER)
                chain.nonce += 1
            await chain.add_broken_validator()
            (good,) = await chain.add_validators(1)
            await is_as_rebuilt(listener, chain)
            assert set(listener.sync.state.validators) == {good}
            skipped = listener.watched.metrics.registry.get_sample_value
            reasons = ("validator_key", "shares_length", "ownership_signature")
            name = "ssv_eth1_listener_skipped_events_total"
            assert sum(skipped(name, {"reason": reason}) or 0 for reason in reasons) == 4

    on_a_chain(scenario)
