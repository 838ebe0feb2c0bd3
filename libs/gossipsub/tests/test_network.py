"""Whole networks: everybody gets everything, meshes converge, who lies is out. Deterministic for a seed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from libs.gossipsub.tests.network import PARAMETERS, TOPIC, Network

from ssv_gossipsub import PeerId
from ssv_gossipsub.wire import encode
from ssv_gossipsub.wire.rpc import Control, IHave, Rpc

SEEDS = [1, 2]


def publish_many(network: Network, messages: int, pause_s: float, but: tuple[PeerId, ...] = ()) -> dict[bytes, PeerId]:
    """Publish from nodes at random; return who published what."""
    published = {}
    for number in range(messages):
        author = network.rng.choice([known for known in network.online() if known not in but])
        data = b"message %06d" % number
        assert network.publish(author, data) > 0
        published[data] = author
        network.run(pause_s)
    return published


def missing(network: Network, published: dict[bytes, PeerId], but: tuple[PeerId, ...] = ()) -> int:
    """How many deliveries did not happen; none may happen twice, and none to the author."""
    lost = 0
    for known, node in network.nodes.items():
        if known in but:
            continue
        for data, author in published.items():
            assert node.delivered[data] <= (known != author)
            lost += known != author and not node.delivered[data]
    return lost


def assert_meshes_are_well(network: Network) -> None:
    for known in network.online():
        router = network.nodes[known].router
        members = router.mesh.members(TOPIC)
        available = len(router.peers)
        assert min(PARAMETERS.d_low, available) <= len(members) <= PARAMETERS.d_high
        for peer in members:
            assert known in network.nodes[peer].router.mesh.members(TOPIC), "both sides must know of the link"


@pytest.mark.parametrize(("seed", "idontwant_min_bytes"), [(1, 1024), (2, 0)])
def test_everybody_gets_everything_once_and_nobody_is_punished(seed: int, idontwant_min_bytes: int) -> None:
    network = Network(40, links=10, seed=seed, parameters=replace(PARAMETERS, idontwant_min_bytes=idontwant_min_bytes))
    network.run(10)
    assert_meshes_are_well(network)
    published = publish_many(network, 60, pause_s=0.05)
    network.run(5)
    assert missing(network, published) == 0
    assert all(network.lowest_score(known) >= 0 for known in network.online())
    assert_meshes_are_well(network)
    network.check_bounds()


def test_a_run_repeats_itself() -> None:
    def run() -> list[object]:
        network = Network(20, links=8, seed=5)
        network.run(5)
        publish_many(network, 20, pause_s=0.05)
        network.run(2)
        return [
            (sorted(node.router.mesh.members(TOPIC)), node.router.counts, node.delivered)
            for node in network.nodes.values()
        ]

    assert run() == run()


@pytest.mark.parametrize("seed", SEEDS)
def test_gossip_mends_what_links_lose(seed: int) -> None:
    network = Network(25, links=10, seed=seed)
    network.run(10)
    network.loses = lambda _sender, _receiver: network.rng.random() < 0.35
    published = publish_many(network, 40, pause_s=0.1)
    network.run(3)
    network.loses = lambda _sender, _receiver: False
    network.run(10)
    assert missing(network, published) == 0
    assert sum(node.router.gossip.ihaves_sent for node in network.nodes.values()) > 0
    assert sum(node.router.gossip.iwants_served for node in network.nodes.values()) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_churn(seed: int) -> None:
    network = Network(30, links=10, seed=seed)
    network.run(10)
    published: dict[bytes, PeerId] = {}
    stable = tuple(network.online()[:15])
    for round_number in range(12):
        leaving = network.rng.choice([known for known in network.online() if known not in stable])
        peers = network.leave(leaving)
        for number in range(4):
            data = b"churn %02d-%d" % (round_number, number)
            author = network.rng.choice(stable)
            network.publish(author, data)
            published[data] = author
            network.run(0.3)
        network.restart(leaving, peers)
        network.run(0.5)
    network.run(10)
    assert missing(network, published, but=tuple(set(network.nodes) - set(stable))) == 0
    network.run(70)  # the backoffs of prunes are over
    assert_meshes_are_well(network)
    after = publish_many(network, 20, pause_s=0.05)
    network.run(5)
    assert missing(network, after) == 0
    assert all(network.lowest_score(known) >= 0 for known in network.online())
    network.check_bounds()


def neighbours_that_graylist(network: Network, known: PeerId) -> tuple[int, int]:
    peers = network.nodes[known].links
    return sum(network.nodes[peer].router.graylisted(known) for peer in peers), len(peers)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_liar_is_graylisted_by_all_its_neighbours_and_others_are_not(seed: int) -> None:
    network = Network(25, links=10, seed=seed)
    network.run(10)
    liar = network.online()[3]
    honest = [known for known in network.online() if known != liar]

    def lie(number: int) -> None:
        for peer in list(network.nodes[liar].links):
            ids = [b"lie %d %d" % (number, one) for one in range(10)]
            network.send(liar, peer, [encode.frame(encode.rpc(Rpc(control=Control(ihave=[IHave(TOPIC, ids)]))))])

    for number in range(60):
        network.at(0.3 * number, partial(lie, number))
    published = publish_many(network, 60, pause_s=0.4, but=(liar,))
    network.run(5)
    graylisting, neighbours = neighbours_that_graylist(network, liar)
    assert neighbours >= 10
    assert graylisting == neighbours
    assert missing(network, published, but=(liar,)) == 0
    assert all(network.lowest_score(known) >= 0 for known in honest if known in network.nodes)
    assert all(liar not in network.nodes[known].router.mesh.members(TOPIC) for known in honest)
    network.check_bounds()


@pytest.mark.parametrize("seed", SEEDS)
def test_who_sends_invalid_messages_is_graylisted_and_its_neighbours_do_not_pass_them_on(seed: int) -> None:
    network = Network(25, links=10, seed=seed)
    network.run(10)
    hostile = network.online()[3]
    for position, peer in enumerate(list(network.nodes[hostile].links)):
        bad = [encode.message(hostile, b"bad %d-%d" % (position, number), b"", TOPIC) for number in range(8)]
        network.send(hostile, peer, [encode.message_frame(message.encoded) for message in bad])
    network.run(1)
    published = publish_many(network, 20, pause_s=0.1, but=(hostile,))
    network.run(5)
    graylisting, neighbours = neighbours_that_graylist(network, hostile)
    assert graylisting == neighbours
    assert sum(node.router.counts.rejected for node in network.nodes.values()) == 8 * neighbours
    assert missing(network, published, but=(hostile,)) == 0
    assert all(network.lowest_score(known) >= 0 for known in network.online() if known != hostile)


def test_a_flood_is_bounded() -> None:
    network = Network(12, links=6, seed=3, parameters=replace(PARAMETERS, max_validating=32, max_outbox_messages=64))
    network.run(5)
    known = network.online()[0]
    for number in range(200):
        network.publish(known, b"%010d" % number + bytes(500))
    network.run(20)
    network.check_bounds()
    counts = [node.router.counts for node in network.nodes.values()]
    assert sum(count.validation_full for count in counts) > 0
    assert all(node.router.messages.validating == 0 for node in network.nodes.values())
