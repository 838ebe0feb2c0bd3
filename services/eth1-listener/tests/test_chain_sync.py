import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from libs.ethereum.tests.execution_node import CHAIN_ID, CONTRACT, ExecutionNode, served
from tests.support.listener import Killed, Listener, clean_rebuild, listening, until
from tests.support.registered_chain import RegisteredChain, registered_chain

from ssv_eth1_listener.chain_sync import FollowRules
from ssv_eth1_listener.store import UNDO_BLOCKS, RegistryStore
from ssv_ethereum.log_ranges import FIRST_BLOCKS
from ssv_protocol.networks import local_network
from ssv_protocol.registry.apply import AppliedBlock
from ssv_protocol.registry.state import ChainMoment, RegistryState
from ssv_protocol.types.ids import ExecutionAddress

FAKE_NETWORK = local_network(ExecutionAddress(CONTRACT), slot_duration_s=6)


def on_a_chain(scenario: Callable[[RegisteredChain], Awaitable[None]]) -> None:
    async def run() -> None:
        async with registered_chain() as chain:
            await scenario(chain)

    asyncio.run(run())


def saved_hash(path: Path, chain: RegisteredChain) -> str:
    return RegistryStore(path, chain.network.registry_contract, 0).load().state.state_hash()


def saved_block(path: Path, chain: RegisteredChain) -> int:
    return RegistryStore(path, chain.network.registry_contract, 0).load().state.block_number


def test_history_is_read_and_events_are_followed(tmp_path: Path) -> None:
    async def scenario(chain: RegisteredChain) -> None:
        await chain.tell_a_long_story()
        async with listening(chain.url, chain.network, tmp_path / "db") as listener:
            head = await chain.head()
            state = await listener.reaches(head)
            assert state == await clean_rebuild(chain, head)
            assert set(state.validators) == set(chain.validators) - {chain.validators[1], chain.validators[6]}
            assert listener.watched.health.problems().keys() == {"shares"}
            assert listener.watched.value("lag_blocks") == 0
            assert listener.watched.value("skipped_events_total", reason="ownership_signature") == 1

            (new,) = await chain.add_validators(1)
            await chain.exit_validator(new)
            asked_in = await chain.head()
            await chain.liquidate()
            state = await listener.reaches(await chain.head())
            assert state.validators[new].liquidated
            block = await chain.contract.web3.eth.get_block(asked_in)
            assert state.validators[new].exit_request == ChainMoment(asked_in, block["timestamp"])
            assert state == await clean_rebuild(chain, await chain.head())
        assert saved_hash(tmp_path / "db", chain) == state.state_hash()

    on_a_chain(scenario)


def test_it_goes_on_at_the_right_block_wherever_it_was_stopped(tmp_path: Path) -> None:
    async def killed_early(chain: RegisteredChain, path: Path, writes: int, *, after_commit: bool) -> None:
        """Run on until `writes` blocks were written, and die before or after the last of them is committed."""
        async with listening(chain.url, chain.network, path) as listener:
            write, left = listener.store.write, writes

            def write_or_die(before: RegistryState, applied: AppliedBlock, caught_up: bool, *, keep_undo: bool) -> None:
                nonlocal left
                left -= 1
                if left or after_commit:
                    write(before, applied, caught_up, keep_undo=keep_undo)
                if not left:
                    raise Killed

            listener.store.write = write_or_die  # type: ignore[method-assign,assignment]
            head = asyncio.create_task(listener.reaches(await chain.head()))
            await asyncio.wait((listener.task, head), return_when=asyncio.FIRST_COMPLETED)
            head.cancel()

    async def scenario(chain: RegisteredChain) -> None:
        await chain.tell_a_long_story()
        head = await chain.head()
        expected = (await clean_rebuild(chain, head)).state_hash()
        random_numbers = random.Random(20)
        for attempt in range(8):
            path = tmp_path / f"{attempt}.sqlite"
            kills = 0
            while saved_block(path, chain) < head:
                writes, after_commit = random_numbers.randint(1, 9), random_numbers.random() < 0.5
                await killed_early(chain, path, writes, after_commit=after_commit)
                kills += 1
            assert kills > 1
            assert saved_hash(path, chain) == expected

    on_a_chain(scenario)


def test_a_saved_registry_is_served_before_the_node_answers_but_is_not_live(tmp_path: Path) -> None:
    async def scenario(chain: RegisteredChain) -> None:
        await chain.add_validators(2)
        async with listening(chain.url, chain.network, tmp_path / "db") as listener:
            state = await listener.reaches(await chain.head())
        nobody = "http://127.0.0.1:9"  # the discard port: nothing listens there
        async with listening(nobody, chain.network, tmp_path / "db") as listener:
            assert listener.feed.view is not None
            assert listener.feed.view.state == state
            assert listener.feed.live_view is None
            await until(lambda: "127.0.0.1:9" in listener.watched.health.problems()["execution"])
            assert "registry" in listener.watched.health.problems()

    on_a_chain(scenario)


def test_it_is_live_again_though_no_block_has_come_since(tmp_path: Path) -> None:
    async def scenario(chain: RegisteredChain) -> None:
        await chain.add_validators(2)
        async with listening(chain.url, chain.network, tmp_path / "db") as listener:
            state = await listener.reaches(await chain.head())
        async with listening(chain.url, chain.network, tmp_path / "db") as listener:
            await until(lambda: listener.feed.live_view is not None)
            assert listener.feed.live_view is not None
            assert listener.feed.live_view.state == state
            await until(lambda: "registry" not in listener.watched.health.problems())

    on_a_chain(scenario)


def on_a_fake(node: ExecutionNode, scenario: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        async with served(node):
            await scenario()

    asyncio.run(run())


def test_nothing_is_published_before_the_registry_has_caught_up(tmp_path: Path) -> None:
    node = ExecutionNode(blocks=50, log_indexes={3: [0], 7: [0], 30: [0]})

    async def scenario() -> None:
        async with listening(node.url, FAKE_NETWORK, tmp_path / "db") as listener:
            seen = []
            async for view in listener.feed.views():
                seen.append(view.state.block_number)
                if len(seen) == 3:
                    break
                node.blocks += 4
        assert seen == [49, 53, 57]

    on_a_fake(node, scenario)


def test_the_follow_distance_is_kept(tmp_path: Path) -> None:
    node = ExecutionNode(blocks=50)

    async def scenario() -> None:
        rules = FollowRules(follow_distance=8, poll_interval_s=0.01, head_max_age_s=None)
        async with listening(node.url, FAKE_NETWORK, tmp_path / "db", rules=rules) as listener:
            assert (await listener.reaches(0)).block_number == 41
            assert listener.watched.value("lag_blocks") == 8

    on_a_fake(node, scenario)


def test_an_old_head_is_that_of_a_node_which_is_still_syncing(tmp_path: Path) -> None:
    node = ExecutionNode(blocks=50)
    rules = FollowRules(follow_distance=0, poll_interval_s=0.01, head_max_age_s=300)
    now = 1_700_000_049 + 301.0  # the head is of 1_700_000_049

    async def scenario() -> None:
        async with listening(node.url, FAKE_NETWORK, tmp_path / "db", rules=rules, now=lambda: now) as listener:
            await until(lambda: listener.sync.state.block_number == 49)
            assert listener.feed.view is None
            node.blocks += 1
            assert (await listener.reaches(0)).block_number == 50

    on_a_fake(node, scenario)


def test_replaced_blocks_are_taken_back(tmp_path: Path) -> None:
    node = ExecutionNode(blocks=20, log_indexes={5: [0]})

    async def reorganise(listener: Listener) -> None:
        before = await listener.reaches(19)
        for _ in range(8):  # a block each, so that each can be taken back
            node.blocks += 1
            await listener.reaches(node.blocks - 1)
        node.branch, node.branched_at, node.blocks = 1, 22, 30
        assert listener.feed.state_after(19, before.block_hash) is before
        await until(lambda: listener.sync.state.block_hash == node.block_hash(29))
        assert listener.watched.value("reorganisations_total") == 1
        assert listener.watched.value("rebuilds_total") == 0

    async def scenario() -> None:
        async with listening(node.url, FAKE_NETWORK, tmp_path / "db") as listener:
            await reorganise(listener)
        async with listening(node.url, FAKE_NETWORK, tmp_path / "db") as listener:
            assert listener.sync.state.block_hash == node.block_hash(29)
            assert listener.watched.value("reorganisations_total") == 0

    on_a_fake(node, scenario)


def test_after_a_deeper_reorganisation_the_registry_is_built_again(tmp_path: Path) -> None:
    node = ExecutionNode(blocks=2 * FIRST_BLOCKS + 2 * UNDO_BLOCKS, log_indexes={5: [0]})
    last = node.blocks

    async def scenario() -> None:
        async with listening(node.url, FAKE_NETWORK, tmp_path / "db") as listener:
            await listener.reaches(node.blocks - 1)
            node.branch, node.branched_at, node.blocks = 1, 12, last + 2
            await until(lambda: listener.sync.state.block_hash == node.block_hash(last + 1))
            assert listener.watched.value("rebuilds_total") == 1
            assert (await listener.reaches(last + 1)).block_hash == node.block_hash(last + 1)

    on_a_fake(node, scenario)


def test_the_view_is_not_live_while_the_registry_lags(tmp_path: Path) -> None:
    node = ExecutionNode(blocks=50)
    time_s = 1_700_000_049.0
    rules = FollowRules(follow_distance=0, poll_interval_s=0.01, head_max_age_s=300)

    async def scenario() -> None:
        async with listening(node.url, FAKE_NETWORK, tmp_path / "db", rules=rules, now=lambda: time_s) as listener:
            set_time(0)
            await listener.reaches(49)
            set_time(400)
            await until(lambda: not listener.feed.live)
            assert listener.feed.view is not None
            assert "400 s ago" in listener.watched.health.problems()["registry"]
            node.blocks += 400
            await listener.reaches(449)
            assert "registry" not in listener.watched.health.problems()

    def set_time(later_s: float) -> None:
        nonlocal time_s
        time_s = 1_700_000_049.0 + later_s

    on_a_fake(node, scenario)


def test_a_history_that_no_node_has_is_told_with_what_to_do(tmp_path: Path) -> None:
    node = ExecutionNode(blocks=50, earliest=10)

    async def scenario() -> None:
        async with listening(node.url, FAKE_NETWORK, tmp_path / "db") as listener:
            await until(lambda: "has no blocks before 10" in listener.watched.health.problems()["registry"])
            assert "use a node that keeps" in listener.watched.health.problems()["registry"]
            node.earliest = 0
            await listener.reaches(49)

    on_a_fake(node, scenario)


def test_a_node_of_another_chain_is_not_followed(tmp_path: Path) -> None:
    node = ExecutionNode(blocks=20)
    store = RegistryStore(tmp_path / "db", FAKE_NETWORK.registry_contract, 0)
    store.pin_chain(1)
    store.close()

    async def scenario() -> None:
        async with listening(node.url, FAKE_NETWORK, tmp_path / "db") as listener:
            problem = f"is of chain {CHAIN_ID}, not of 1"
            await until(lambda: problem in listener.watched.health.problems().get("execution", ""))
            assert set(node.requests) == {"eth_chainId"}

    on_a_fake(node, scenario)
