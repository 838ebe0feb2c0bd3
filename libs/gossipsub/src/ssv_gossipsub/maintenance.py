"""What a heartbeat does to a mesh: bad peers out, too few filled up, too many cut down, outbound or better ones in.

Source: GossipSub v1.0, "Mesh Maintenance"; v1.1, "Heartbeat Maintenance", "Outbound Mesh Quotas", "Opportunistic
Grafting".
"""

from __future__ import annotations

from random import Random

from ssv_gossipsub.mesh import Mesh
from ssv_gossipsub.neighbours import Neighbours
from ssv_gossipsub.parameters import RouterParameters
from ssv_gossipsub.peer import Peer


def maintain(mesh: Mesh, neighbours: Neighbours, p: RouterParameters, heartbeat: int, now: float) -> None:
    """Look after the meshes of all topics."""
    for topic in mesh.topics:
        members = mesh.members(topic)
        for peer in [peer for peer in members.values() if neighbours.score(peer) < 0]:
            mesh.prune(topic, peer, now)
        if len(members) < p.d_low:
            mesh.fill(topic, p.d, now)
        elif len(members) > p.d_high:
            keep = survivors(list(members.values()), p, neighbours)
            for peer in [peer for peer in members.values() if peer not in keep]:
                mesh.prune(topic, peer, now)
        if len(members) >= p.d_low:
            _meet_outbound_quota(mesh, topic, neighbours, p, now)
        if heartbeat % p.opportunistic_graft_heartbeats == 0 and len(members) > 1:
            _graft_better(mesh, topic, neighbours, p, now)


def survivors(members: list[Peer], p: RouterParameters, neighbours: Neighbours) -> list[Peer]:
    """Return the `d` peers that stay: the `d_score` best, others at random, `d_out` outbound ones among them."""
    ordered = _best_first(members, neighbours)
    best, rest = ordered[: p.d_score], ordered[p.d_score :]
    neighbours.rng.shuffle(rest)
    kept, over = best + rest[: p.d - p.d_score], rest[p.d - p.d_score :]
    missing = p.d_out - sum(peer.outbound for peer in kept)
    spare = [peer for peer in over if peer.outbound][: max(0, missing)]
    for newcomer in spare:
        leaving = next(peer for peer in reversed(kept) if not peer.outbound)
        kept[kept.index(leaving)] = newcomer
    return kept


def _best_first(members: list[Peer], neighbours: Neighbours) -> list[Peer]:
    shuffled = shuffle(members, neighbours.rng)  # those with the same score have the same chance
    return sorted(shuffled, key=neighbours.score, reverse=True)


def shuffle(peers: list[Peer], rng: Random) -> list[Peer]:
    """Return the peers in another order."""
    return rng.sample(peers, len(peers))


def _meet_outbound_quota(mesh: Mesh, topic: str, neighbours: Neighbours, p: RouterParameters, now: float) -> None:
    members = mesh.members(topic)
    missing = p.d_out - sum(peer.outbound for peer in members.values())
    chosen = neighbours.choose(topic, missing, members, lambda one: one.outbound and mesh.may_graft(topic, one, now))
    for peer in chosen:
        mesh.graft(topic, peer, now)


def _graft_better(mesh: Mesh, topic: str, neighbours: Neighbours, p: RouterParameters, now: float) -> None:
    members = mesh.members(topic)
    scores = sorted(map(neighbours.score, members.values()))
    median = scores[len(scores) // 2]
    if median >= neighbours.scores.parameters.thresholds.opportunistic_graft:
        return
    chosen = neighbours.choose(
        topic,
        p.opportunistic_graft_peers,
        members,
        lambda one: neighbours.score(one) > median and mesh.may_graft(topic, one, now),
    )
    for peer in chosen:
        mesh.graft(topic, peer, now)
