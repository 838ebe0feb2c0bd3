"""What must hold in every run, whatever the weather and whoever lies. Each check returns what it found wrong.

Judged from what the keys really signed and what the chain really took, with rules written down here once more and
apart from those that the operators follow.

    agreement       honest operators never take two values for the decision of one height
    unslashable     no share of an honest operator, and no validator, signs two attestations that are slashable
    no equivocation an honest operator says one thing a step, speaks for one root a round, and stands by its commits
    progress        what the protocol promises in this weather is included

The promise: in a tolerable committee (at most f operators dead or Byzantine, 2f + 1 honest ones that see the same
checkpoints) every attestation is included whose duty ran in calm weather, with delays under a quarter of a round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations

from ssv_devnet.simulation.scenario import Outcome
from ssv_protocol.crypto.signing_root import DOMAIN_BEACON_ATTESTER, DOMAIN_SYNC_COMMITTEE, compute_signing_root
from ssv_protocol.types.beacon.attestation import AttestationData
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.ids import Height, OperatorId, Root, Round
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import MsgType, QbftMessageType


def violations(outcome: Outcome) -> list[str]:
    """Return everything that is wrong with a run."""
    return [
        *agreement(outcome),
        *unslashable_shares(outcome),
        *unslashable_validators(outcome),
        *(
            fault
            for operator_id, messages in outcome.witness.messages.items()
            for fault in equivocations(operator_id, messages)
        ),
        *progress(outcome),
    ]


def agreement(outcome: Outcome) -> list[str]:
    """Find heights for which honest operators took more than one value for decided."""
    return [
        f"slot {slot}: decided {len(values)} values: { {oid: sorted(map(_short, v)) for oid, v in deciders.items()} }"
        for slot, deciders in outcome.witness.decided.items()
        if len(values := set().union(*deciders.values())) > 1
    ]


def slashable(one: AttestationData, other: AttestationData) -> bool:
    """Tell whether a validator that signs both is slashed: two votes for a target, or one that surrounds another."""
    if one == other:
        return False
    same_target = one.target.epoch == other.target.epoch
    surrounds = any(
        a.source.epoch < b.source.epoch and b.target.epoch < a.target.epoch for a, b in ((one, other), (other, one))
    )
    return same_target or surrounds


def unslashable_shares(outcome: Outcome) -> list[str]:
    """Find slashable pairs among all that the shares of honest operators signed, and roots nobody can explain."""
    attestations, sync_roots = _explained_roots(outcome)
    by_share: dict[tuple[OperatorId, int], list[AttestationData]] = defaultdict(list)
    faults = []
    for operator_id, index, root in outcome.witness.share_signatures:
        if root in attestations:
            by_share[operator_id, index].append(attestations[root])
        elif root not in sync_roots:
            faults.append(f"operator {operator_id} signed for validator {index} what no decision explains")
    return faults + [
        f"operator {operator_id}, share of validator {index}: {_describe(pair)}"
        for (operator_id, index), signed in by_share.items()
        for pair in _slashable_pairs(signed)
    ]


def unslashable_validators(outcome: Outcome) -> list[str]:
    """Find slashable pairs among the attestations that reached the chain."""
    return [
        f"validator {index}: {_describe(pair)}"
        for index, signed in outcome.world.attestations.items()
        for pair in _slashable_pairs(signed)
    ]


def equivocations(operator_id: OperatorId, messages: Iterable[SSVMessage]) -> list[str]:
    """Find what one operator's signed messages contradict of each other."""
    steps: dict[tuple[object, ...], set[bytes]] = defaultdict(set)
    roots: dict[tuple[bytes, Height, Round], set[Root]] = defaultdict(set)
    heights: dict[tuple[bytes, Height], list[QbftMessage]] = defaultdict(list)
    for message in messages:
        if message.msg_type != MsgType.CONSENSUS:
            slot = message.data[:16]  # type and slot of the batch
            steps["batch", message.msg_id, slot].add(message.data)
            continue
        qbft = QbftMessage.decode(message.data)
        height = message.msg_id, qbft.height
        steps[QbftMessageType(qbft.msg_type).name, *height, qbft.round].add(message.data)
        heights[height].append(qbft)
        if qbft.msg_type != QbftMessageType.ROUND_CHANGE:
            roots[(*height, qbft.round)].add(qbft.root)
    return [
        *(
            f"operator {operator_id}: {len(said)} versions of {step[0]} {step[2:]}"
            for step, said in steps.items()
            if len(said) > 1
        ),
        *(
            f"operator {operator_id}: {len(said)} roots in {where[1:]}"
            for where, said in roots.items()
            if len(said) > 1
        ),
        *(
            f"operator {operator_id}: height {where[1]}: {fault}"
            for where, said in heights.items()
            for fault in _disowned(said)
        ),
    ]


def progress(outcome: Outcome) -> list[str]:
    """Find promised attestations that were not included, and signed objects that the chain had to refuse."""
    missing = sorted(outcome.promised - outcome.included)
    faults = [f"slot {slot}: validator {index} was promised and not included" for slot, index in missing]
    return faults + [f"the chain refused: {item}" for item in outcome.world.invalid]


def _disowned(said: list[QbftMessage]) -> list[str]:
    """Find round changes that drop a value to which their sender had committed."""
    commits = [item for item in said if item.msg_type == QbftMessageType.COMMIT]
    return [
        f"round change to {change.round} disowns the commit of round {commit.round}"
        for change in said
        for commit in commits
        if change.msg_type == QbftMessageType.ROUND_CHANGE and change.round > commit.round
        if change.data_round < commit.round or (change.data_round == commit.round and change.root != commit.root)
    ]


def _explained_roots(outcome: Outcome) -> tuple[dict[Root, AttestationData], set[Root]]:
    """Return the attestations by signing root, and the signing roots of sync messages, of all decisions."""
    chain = outcome.network.chain
    attestations: dict[Root, AttestationData] = {}
    sync_roots: set[Root] = set()
    for slot, value in outcome.witness.decided_values():
        vote = BeaconVote.decode(value)
        data = AttestationData(slot, 0, vote.block_root, vote.source, vote.target)
        domain = chain.domain(DOMAIN_BEACON_ATTESTER, vote.target.epoch)
        attestations[compute_signing_root(data.hash_tree_root(), domain)] = data
        domain = chain.domain(DOMAIN_SYNC_COMMITTEE, chain.epoch_of(slot))
        sync_roots.add(compute_signing_root(vote.block_root, domain))
    return attestations, sync_roots


def _slashable_pairs(signed: Iterable[AttestationData]) -> list[tuple[AttestationData, AttestationData]]:
    return [pair for pair in combinations(signed, 2) if slashable(*pair)]


def _describe(pair: tuple[AttestationData, AttestationData]) -> str:
    return " and ".join(f"slot {d.slot} {d.source.epoch}→{d.target.epoch} {_short(d.beacon_block_root)}" for d in pair)


def _short(data: bytes) -> str:
    return data[:4].hex()
