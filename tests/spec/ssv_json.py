"""Duties, shares and runners as the vectors' JSON.

A runner's state has the shape of every role: phases that a role does not have are empty containers.

Source: ssv-spec ssv/runner.go, ssv/runner_state.go, ssv/partial_sig_container.go, types/share.go (MarshalJSON).
"""

from __future__ import annotations

from collections.abc import Mapping

from ssv_protocol.qbft.instance import Instance
from ssv_protocol.runners.consensus_phase import ConsensusLane
from ssv_protocol.runners.partial_signature_container import PartialSignatureContainer
from ssv_protocol.runners.runner import Duty, Progress, Runner
from ssv_protocol.runners.signature_phase import SignaturePhase
from ssv_protocol.types.duty import AggregatorCommitteeDuty, CommitteeDuty, ValidatorDuty
from ssv_protocol.types.ids import (
    BlsPublicKey,
    BlsSignature,
    DomainType,
    ExecutionAddress,
    Height,
    OperatorId,
    Root,
    Slot,
    ValidatorIndex,
)
from ssv_protocol.types.partial_signatures import PartialSignature
from ssv_protocol.types.roles import RunnerRole
from ssv_protocol.types.share import Share, ShareMember
from tests.spec.go_json import Json, parse_array, parse_bytes, parse_hex, render_bytes
from tests.spec.qbft_json import parse_instance_state, render_controller, render_instance
from tests.spec.types_json import parse_duty

BEACON_NETWORK = "now_test_network"
Shares = Mapping[ValidatorIndex, Share]


def parse_share(tree: Json) -> Share:
    """Read a Share."""
    return Share(
        validator_index=ValidatorIndex(int(tree["ValidatorIndex"])),
        validator_pubkey=BlsPublicKey(parse_hex(tree["ValidatorPubKey"])),
        share_pubkey=BlsPublicKey(parse_bytes(tree["SharePubKey"])),
        committee=tuple(
            ShareMember(BlsPublicKey(parse_bytes(item["SharePubKey"])), OperatorId(item["Signer"]))
            for item in tree["Committee"]
        ),
        domain=DomainType(parse_array(tree["DomainType"])),
        fee_recipient=ExecutionAddress(parse_hex(tree["FeeRecipientAddress"])),
        graffiti=parse_bytes(tree["Graffiti"]),
    )


def parse_shares(tree: Json) -> dict[ValidatorIndex, Share]:
    """Read a map of shares."""
    return {ValidatorIndex(int(index)): parse_share(item) for index, item in tree.items()}


def render_shares(shares: Shares) -> Json:
    """Write a map of shares."""
    return {
        str(index): {
            "Committee": [
                {"SharePubKey": render_bytes(member.share_pubkey), "Signer": member.signer}
                for member in share.committee
            ],
            "DomainType": list(share.domain),
            "FeeRecipientAddress": share.fee_recipient.hex(),
            "Graffiti": render_bytes(share.graffiti),
            "SharePubKey": render_bytes(share.share_pubkey),
            "ValidatorIndex": str(share.validator_index),
            "ValidatorPubKey": share.validator_pubkey.hex(),
        }
        for index, share in shares.items()
    }


def find_duty(tree: Json) -> Duty | None:
    """Read the duty of a test or of a state, whichever kind it has."""
    if tree.get("ValidatorDuty") is not None:
        return parse_duty(tree["ValidatorDuty"])
    if tree.get("CommitteeDuty") is not None:
        return CommitteeDuty(*_slot_and_duties(tree["CommitteeDuty"]))
    if tree.get("AggregatorCommitteeDuty") is not None:
        return AggregatorCommitteeDuty(*_slot_and_duties(tree["AggregatorCommitteeDuty"]))
    return None


def parse_committee_duty(tree: Json) -> CommitteeDuty | AggregatorCommitteeDuty:
    """Read an input of a committee; only the first duty's type tells the two kinds apart."""
    slot, duties = _slot_and_duties(tree)
    if duties and duties[0].type in {1, 4}:
        return AggregatorCommitteeDuty(slot, duties)
    return CommitteeDuty(slot, duties)


def parse_progress(tree: Json, lane: ConsensusLane | None) -> Progress:
    """Read a state that is not null. The running instance is apart from the controller's, as in the files."""
    instance = None
    if tree["RunningInstance"] is not None:
        assert lane is not None
        instance = parse_instance(tree["RunningInstance"], lane)
    return Progress(
        pre_consensus=_parse_container(tree["PreConsensusContainer"]),
        post_consensus=_parse_container(tree["PostConsensusContainer"]),
        instance=instance,
        decided_value=parse_bytes(tree["DecidedValue"]),
        finished=tree["Finished"],
    )


def parse_instance(tree: Json, lane: ConsensusLane) -> Instance:
    """Read an instance."""
    state = parse_instance_state(tree)
    return Instance(lane.config_at(state.height), state)


def load_controller(tree: Json, lane: ConsensusLane) -> None:
    """Read a controller into a lane."""
    lane.controller.height = Height(tree["Height"])
    lane.controller.instances[:] = [parse_instance(item, lane) for item in tree["StoredInstances"] or ()]


def render_base_runner(
    role: RunnerRole, shares: Shares, quorum: int, lane: ConsensusLane | None, runner: Runner | None
) -> Json:
    """Write a runner with its controller."""
    return {
        "BaseRunner": {
            "State": None if runner is None else render_state(runner, quorum),
            "Share": render_shares(shares),
            "QBFTController": None if lane is None else render_controller(lane.member, lane.controller),
            "BeaconNetwork": BEACON_NETWORK,
            "RunnerRoleType": int(role),
        }
    }


def render_state(runner: Runner, quorum: int) -> Json:
    """Write the state of a runner's duty."""
    consensus = runner.consensus
    instance = None if consensus is None else consensus.instance
    return {
        "PreConsensusContainer": _render_container(runner.pre_consensus, quorum),
        "PostConsensusContainer": _render_container(runner.post_consensus, quorum),
        "RunningInstance": None if instance is None else render_instance(instance),
        "DecidedValue": render_bytes(b"" if consensus is None else consensus.decided_value),
        "Finished": runner.finished,
        **_render_duty(runner.duty),
    }


def _render_duty(duty: Duty) -> Json:
    if isinstance(duty, ValidatorDuty):
        return {"ValidatorDuty": _render_validator_duty(duty)}
    kind = "CommitteeDuty" if isinstance(duty, CommitteeDuty) else "AggregatorCommitteeDuty"
    duties = [_render_validator_duty(item) for item in duty.validator_duties]
    return {kind: {"Slot": str(duty.slot), "ValidatorDuties": duties}}


def _render_validator_duty(duty: ValidatorDuty) -> Json:
    return {
        "Type": duty.type,
        "PubKey": "0x" + duty.pubkey.hex(),
        "Slot": str(duty.slot),
        "ValidatorIndex": str(duty.validator_index),
        "CommitteeIndex": duty.committee_index,
        "CommitteeLength": duty.committee_length,
        "CommitteesAtSlot": duty.committees_at_slot,
        "ValidatorCommitteeIndex": duty.validator_committee_index,
        "ValidatorSyncCommitteeIndices": list(duty.validator_sync_committee_indices) or None,
    }


def _slot_and_duties(tree: Json) -> tuple[Slot, tuple[ValidatorDuty, ...]]:
    return Slot(int(tree["Slot"])), tuple(map(parse_duty, tree["ValidatorDuties"] or ()))


def _parse_container(tree: Json) -> tuple[PartialSignature, ...]:
    return tuple(
        PartialSignature(
            BlsSignature(parse_bytes(signature)),
            Root(parse_hex(root)),
            OperatorId(int(signer)),
            ValidatorIndex(int(index)),
        )
        for index, roots in (tree["Signatures"] or {}).items()
        for root, signers in roots.items()
        for signer, signature in signers.items()
    )


def _render_container(phase: SignaturePhase | None, quorum: int) -> Json:
    container = PartialSignatureContainer(quorum) if phase is None else phase.container
    return {
        "Signatures": {
            str(index): {
                root.hex(): {str(signer): render_bytes(signature) for signer, signature in signers.items()}
                for root, signers in roots.items()
            }
            for index, roots in container.as_tree().items()
        },
        "Quorum": container.quorum,
    }
