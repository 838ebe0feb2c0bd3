"""What must hold in every campaign, whatever the weather and whatever the f do. Each check returns its findings.

    agreement        honest operators' machines never take two values for the decision of one (message id, height)
    no slashing      no share of an honest operator and no validator signs two slashable attestations, or two blocks of
                     a slot; no share signs what neither a decision nor a duty explains
    no equivocation  an honest signer says one thing a step, and stands by its commits
    progress         `promises`: decided in time by every connected honest operator, and everything of it submitted
    wrong shares     who sends them is named by those who need a share of that duty, and nobody else is

The rules of slashing are written down here once more, apart from those that the operators follow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ssv_devnet.simulation.invariants import equivocations, slashable
from ssv_devnet.simulation.machines.book import DutyKey
from ssv_devnet.simulation.machines.campaign import CampaignResult
from ssv_devnet.simulation.machines.promises import broken_promises
from ssv_protocol.crypto.signing_root import DOMAIN_BEACON_ATTESTER, DOMAIN_BEACON_PROPOSER, compute_signing_root
from ssv_protocol.types.beacon.attestation import AttestationData
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.ids import OperatorId, Root, Slot, ValidatorIndex
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.roles import RunnerRole


def violations(result: CampaignResult) -> list[str]:
    """Return everything that is wrong with a campaign."""
    return [
        *agreement(result),
        *slashable_shares(result),
        *slashable_validators(result),
        *said_twice(result),
        *broken_promises(result),
        *wrongly_named(result),
        *(f"the chain refused: {item}" for item in result.beacon.attesting.invalid),
    ]


def agreement(result: CampaignResult) -> list[str]:
    """Find consensuses with more than one decision."""
    return [
        f"{describe(key)}: {len(values)} values decided, by {sorted(deciders)}"
        for key, deciders in result.book.decided.items()
        if len(values := set().union(*deciders.values())) > 1
    ]


def slashable_shares(result: CampaignResult) -> list[str]:
    """Find slashable pairs among what each share of an honest operator signed."""
    attestations = dict(_attestation_roots(result))
    blocks = dict(_block_roots(result))
    votes: dict[tuple[OperatorId, ValidatorIndex], list[AttestationData]] = defaultdict(list)
    proposals: dict[tuple[OperatorId, ValidatorIndex, Slot], set[Root]] = defaultdict(set)
    for operator_id, index, root in result.book.share_signatures:
        if root in attestations:
            votes[operator_id, index].append(attestations[root])
        elif root in blocks:
            proposals[operator_id, index, blocks[root]].add(root)
    return [
        *(f"share of {who}: slashable votes for {pair}" for who, signed in votes.items() for pair in _pairs(signed)),
        *(f"share of {who}: {len(roots)} blocks" for who, roots in proposals.items() if len(roots) > 1),
    ]


def slashable_validators(result: CampaignResult) -> list[str]:
    """Find slashable pairs among what reached the chain."""
    votes = result.beacon.attesting.attestations
    return [
        *(f"validator {index}: slashable votes for {pair}" for index, data in votes.items() for pair in _pairs(data)),
        *(
            f"validator, slot {who}: {len(roots)} blocks"
            for who, roots in result.beacon.blocks.items()
            if len(roots) > 1
        ),
    ]


def said_twice(result: CampaignResult) -> list[str]:
    """Find what an honest operator's messages contradict of each other."""
    return [
        fault
        for operator_id, messages in result.book.messages.items()
        for fault in equivocations(operator_id, messages)
    ]


def wrongly_named(result: CampaignResult) -> list[str]:
    """Find bad shares that were not traced to their senders, and operators that were named for nothing."""
    framed = result.book.named.keys() - result.cabal.bad_shares.keys()
    return [*result.book.misnamed, *(f"operator {oid} was named and sent no bad share" for oid in sorted(framed))]


def describe(key: DutyKey) -> str:
    """Return a consensus for a human."""
    return f"{RunnerRole(message_role(key[0])).name} of slot {key[1]}"


def _attestation_roots(result: CampaignResult) -> Iterator[tuple[Root, AttestationData]]:
    chain = result.network.chain
    for slot, value in _decided(result, RunnerRole.COMMITTEE):
        vote = BeaconVote.decode(value)
        data = AttestationData(slot, 0, vote.block_root, vote.source, vote.target)
        domain = chain.domain(DOMAIN_BEACON_ATTESTER, vote.target.epoch)
        yield compute_signing_root(data.hash_tree_root(), domain), data


def _block_roots(result: CampaignResult) -> Iterator[tuple[Root, Slot]]:
    chain = result.network.chain
    for _, value in _decided(result, RunnerRole.PROPOSER):
        block = ProposerConsensusData.decode(value).proposal().block
        domain = chain.domain(DOMAIN_BEACON_PROPOSER, chain.epoch_of(block.slot))
        yield compute_signing_root(block.hash_tree_root(), domain), block.slot


def _decided(result: CampaignResult, role: RunnerRole) -> Iterator[tuple[Slot, bytes]]:
    for (message_id, slot), deciders in result.book.decided.items():
        if message_role(message_id) == role:
            for value in set().union(*deciders.values()):
                yield slot, value


def _pairs(signed: list[AttestationData] | set[AttestationData]) -> Iterator[str]:
    ordered = sorted(signed, key=lambda data: (data.target.epoch, data.slot))
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if slashable(one, other):
                yield f"{one.source.epoch}→{one.target.epoch} and {other.source.epoch}→{other.target.epoch}"
