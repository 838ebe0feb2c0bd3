"""Values of the types suite from the JSON of the vectors.

Source: the MarshalJSON methods of ssv-spec types, qbft, and of go-eth2-client.
"""

from __future__ import annotations

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData, AssignedAggregator
from ssv_protocol.types.beacon.attestation import AttestationData, Checkpoint
from ssv_protocol.types.beacon.sync_committee import SyncCommitteeContribution
from ssv_protocol.types.beacon_vote import BeaconVote
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import (
    BlsPublicKey,
    BlsSignature,
    Epoch,
    Height,
    MessageId,
    OperatorId,
    Root,
    Round,
    Slot,
    ValidatorIndex,
)
from ssv_protocol.types.messages import SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.proposer_data import ProposerConsensusData
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.validator_data import ValidatorConsensusData
from tests.spec.go_json import Json, parse_bytes, parse_hex


def parse_version(name: str) -> int:
    """Read a data version, which is written as the fork's name."""
    return BeaconFork[name.upper()].value


def parse_partial_signature(tree: Json) -> PartialSignature:
    """Read a PartialSignatureMessage."""
    return PartialSignature(
        signature=BlsSignature(parse_hex(tree["PartialSignature"])),
        signing_root=Root(parse_hex(tree["SigningRoot"])),
        signer=OperatorId(tree["Signer"]),
        validator_index=ValidatorIndex(int(tree["ValidatorIndex"])),
    )


def parse_partial_signatures(tree: Json) -> PartialSignatures:
    """Read a PartialSignatureMessages."""
    return PartialSignatures(
        type=tree["Type"],
        slot=Slot(int(tree["Slot"])),
        messages=tuple(parse_partial_signature(item) for item in tree["Messages"]),
    )


def parse_ssv_message(tree: Json) -> SSVMessage:
    """Read an SSVMessage."""
    return SSVMessage(tree["MsgType"], MessageId(parse_hex(tree["MsgID"])), parse_bytes(tree["Data"]))


def parse_qbft(tree: Json) -> QbftMessage:
    """Read a qbft.Message."""
    return QbftMessage(
        msg_type=tree["MsgType"],
        height=Height(tree["Height"]),
        round=Round(tree["Round"]),
        identifier=parse_bytes(tree["Identifier"]),
        root=Root(parse_hex(tree["Root"])),
        data_round=Round(tree["DataRound"]),
        round_change_justification=tuple(map(parse_bytes, tree["RoundChangeJustification"] or ())),
        prepare_justification=tuple(map(parse_bytes, tree["PrepareJustification"] or ())),
    )


def parse_checkpoint(tree: Json) -> Checkpoint:
    """Read a checkpoint."""
    return Checkpoint(Epoch(int(tree["epoch"])), Root(parse_hex(tree["root"])))


def parse_attestation_data(tree: Json) -> AttestationData:
    """Read an attestation's data."""
    return AttestationData(
        slot=Slot(int(tree["slot"])),
        index=int(tree["index"]),
        beacon_block_root=Root(parse_hex(tree["beacon_block_root"])),
        source=parse_checkpoint(tree["source"]),
        target=parse_checkpoint(tree["target"]),
    )


def parse_vote(tree: Json) -> BeaconVote:
    """Read a BeaconVote."""
    return BeaconVote(
        block_root=Root(parse_hex(tree["BlockRoot"])),
        source=parse_checkpoint(tree["Source"]),
        target=parse_checkpoint(tree["Target"]),
    )


def parse_duty(tree: Json) -> ValidatorDuty:
    """Read a ValidatorDuty."""
    return ValidatorDuty(
        type=tree["Type"],
        pubkey=BlsPublicKey(parse_hex(tree["PubKey"])),
        slot=Slot(int(tree["Slot"])),
        validator_index=ValidatorIndex(int(tree["ValidatorIndex"])),
        committee_index=int(tree["CommitteeIndex"]),
        committee_length=tree["CommitteeLength"],
        committees_at_slot=tree["CommitteesAtSlot"],
        validator_committee_index=tree["ValidatorCommitteeIndex"],
        validator_sync_committee_indices=tuple(tree["ValidatorSyncCommitteeIndices"] or ()),
    )


def parse_proposer_data(tree: Json) -> ProposerConsensusData:
    """Read a ProposerConsensusData (Boole)."""
    return ProposerConsensusData(parse_duty(tree["Duty"]), parse_version(tree["Version"]), parse_bytes(tree["DataSSZ"]))


def parse_validator_data(tree: Json) -> ValidatorConsensusData:
    """Read a ValidatorConsensusData (Alan)."""
    return ValidatorConsensusData(
        parse_duty(tree["Duty"]), parse_version(tree["Version"]), parse_bytes(tree["DataSSZ"])
    )


def parse_contribution(tree: Json) -> SyncCommitteeContribution:
    """Read a sync committee contribution."""
    bits = parse_hex(tree["aggregation_bits"])
    return SyncCommitteeContribution(
        slot=Slot(int(tree["slot"])),
        beacon_block_root=Root(parse_hex(tree["beacon_block_root"])),
        subcommittee_index=int(tree["subcommittee_index"]),
        aggregation_bits=tuple(bool(byte >> bit & 1) for byte in bits for bit in range(8)),
        signature=BlsSignature(parse_hex(tree["signature"])),
    )


def parse_assigned(tree: Json) -> AssignedAggregator:
    """Read an AssignedAggregator."""
    return AssignedAggregator(
        validator_index=ValidatorIndex(int(tree["ValidatorIndex"])),
        selection_proof=BlsSignature(parse_hex(tree["SelectionProof"])),
        committee_index=tree["CommitteeIndex"],
    )


def parse_aggregator_data(tree: Json) -> AggregatorCommitteeConsensusData:
    """Read an AggregatorCommitteeConsensusData."""
    return AggregatorCommitteeConsensusData(
        version=parse_version(tree["Version"]),
        aggregators=tuple(map(parse_assigned, tree["Aggregators"] or ())),
        aggregator_committee_indexes=tuple(tree["AggregatorsCommitteeIndexes"] or ()),
        aggregated_attestations=tuple(map(parse_bytes, tree["AggregatedAttestations"] or ())),
        contributors=tuple(map(parse_assigned, tree["Contributors"] or ())),
        sync_committee_contributions=tuple(map(parse_contribution, tree["SyncCommitteeContributions"] or ())),
    )
