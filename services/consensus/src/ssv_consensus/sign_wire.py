"""Drafts as requests to the signer, and its answers as verdicts."""

from __future__ import annotations

from collections.abc import Iterable

from ssv_api.v1 import signer_pb2 as pb
from ssv_consensus.ports import Failed, NothingSigned, Refusal, Signed, SignVerdict
from ssv_protocol.effects import (
    Draft,
    Exit,
    PreConsensusDraft,
    PreConsensusObject,
    QbftDraft,
    RandaoReveal,
    Registration,
    SlotSelection,
    SyncSelection,
)
from ssv_protocol.errors import ProtocolError
from ssv_protocol.signing.leases import Lease
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.roles import BeaconRole
from ssv_runtime import lease_wire
from ssv_runtime.lease_wire import LeaseMalformed

_KINDS = {role.value: role for role in BeaconRole}


def request_of(draft: Draft, lease: Lease | None = None) -> pb.SignRequest:
    """Return the request for a draft, with what is known of its committee's lease, still without its number."""
    request = _request_of(draft)
    if lease is not None:
        request.lease.CopyFrom(lease_wire.encode(lease))
    return request


def lease_of(response: pb.SignResponse) -> Lease | None:
    """Return the lease that came with an answer."""
    try:
        return lease_wire.decode(response.lease) if response.HasField("lease") else None
    except LeaseMalformed:
        return None


def _request_of(draft: Draft) -> pb.SignRequest:
    if isinstance(draft, QbftDraft):
        return pb.SignRequest(qbft=pb.QbftDraft(message=draft.message.encode(), full_data=draft.full_data))
    if isinstance(draft, PreConsensusDraft):
        return pb.SignRequest(
            pre_consensus=pb.PreConsensusDraft(
                message_id=draft.message_id,
                slot=draft.slot,
                type=draft.type,
                objects=[_object(item) for item in draft.objects],
            )
        )
    return pb.SignRequest(
        post_consensus=pb.PostConsensusDraft(
            message_id=draft.message_id,
            slot=draft.slot,
            decided=draft.decided.encode(),
            duties=[duty.encode() for duty in draft.duties],
        )
    )


def verdict_of(response: pb.SignResponse) -> SignVerdict:
    """Return what the signer says; an answer that cannot be understood counts as a failure."""
    match response.WhichOneof("verdict"):
        case "signed":
            try:
                message = SignedSSVMessage.decode(response.signed.message)
            except ProtocolError as error:
                return Failed(f"the signer's message cannot be decoded: {error}")
            return Signed(message, _refusals(response.signed.denied))
        case "denied" if response.denied.duties:
            return NothingSigned(_refusals(response.denied.duties))
        case "denied":
            return _denied(response.denied)
        case "failed":
            return Failed(response.failed.reason)
        case _:
            return Failed("the signer's answer holds no verdict")


def _object(item: PreConsensusObject) -> pb.PreConsensusObject:
    wanted = pb.PreConsensusObject(validator_index=item.validator_index, validator_pubkey=item.pubkey)
    match item:
        case RandaoReveal():
            wanted.randao_reveal.CopyFrom(pb.RandaoReveal(epoch=item.epoch))
        case SlotSelection():
            wanted.slot_selection.CopyFrom(pb.SlotSelection(slot=item.slot))
        case SyncSelection():
            selection = pb.SyncSelection(slot=item.slot, subcommittee_index=item.subcommittee_index)
            wanted.sync_selection.CopyFrom(selection)
        case Registration(_, content):
            wanted.registration.CopyFrom(
                pb.Registration(
                    fee_recipient=content.fee_recipient, gas_limit=content.gas_limit, timestamp_s=content.timestamp
                )
            )
        case Exit():
            wanted.exit.CopyFrom(pb.Exit(epoch=item.exit.epoch))
    return wanted


def _refusals(duties: Iterable[pb.DeniedDuty]) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(_KINDS.get(duty.duty_type), ValidatorIndex(duty.validator_index), _denied(duty.denied))
        for duty in duties
    )


def _denied(denied: pb.Denied) -> Denied:
    try:
        return Denied(DenialReason(denied.reason), denied.detail)
    except ValueError:  # a newer signer's reason: a refusal all the same
        return Denied(DenialReason.MALFORMED, f"{denied.reason}: {denied.detail}")
