"""Requests from the wire to drafts, and judgements back to the wire. What is no draft is refused as malformed.

Numbers that the databases can't hold are refused here: the wire has 64 unsigned bits, they have 63, and no slot, round
or index of a living chain comes near either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.effects import (
    Draft,
    Exit,
    PostConsensusDraft,
    PreConsensusDraft,
    PreConsensusObject,
    QbftDraft,
    RandaoReveal,
    Registration,
    SlotSelection,
    SyncSelection,
)
from ssv_protocol.errors import ProtocolError
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.beacon.exit import VoluntaryExit
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ExecutionAddress, MessageId, Slot, ValidatorIndex
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import PartialSignatureType
from ssv_signer.store.database import MAX_INTEGER
from ssv_signer.work import LeftOut

_PUBLIC_KEY_BYTES, _ADDRESS_BYTES = 48, 20


class _MalformedError(Exception):
    pass


def parse(request: pb.SignRequest) -> Draft | Denied:
    """Return the draft in a request, or why there is none."""
    kind = request.WhichOneof("draft")
    try:
        if kind == "qbft":
            draft: Draft = QbftDraft(QbftMessage.decode(request.qbft.message), request.qbft.full_data)
        elif kind == "post_consensus":
            draft = _post_consensus(request.post_consensus)
        elif kind == "pre_consensus":
            draft = _pre_consensus(request.pre_consensus)
        else:
            return Denied(DenialReason.MALFORMED, "no draft")
    except (ProtocolError, _MalformedError) as error:
        return Denied(DenialReason.MALFORMED, str(error))
    if max(_numbers(draft)) > MAX_INTEGER:
        return Denied(DenialReason.MALFORMED, "a number is out of range")
    return draft


def denied(verdict: Denied, items: Iterable[LeftOut] = ()) -> pb.Denied:
    """Return a refusal as it travels."""
    return pb.Denied(reason=verdict.reason, detail=verdict.detail, duties=left_out(items))


def left_out(items: Iterable[LeftOut]) -> list[pb.DeniedDuty]:
    """Return what was left out as it travels."""
    return [
        pb.DeniedDuty(validator_index=item.validator_index, duty_type=item.duty_type, denied=denied(item.denied))
        for item in items
    ]


def _post_consensus(request: pb.PostConsensusDraft) -> PostConsensusDraft:
    return PostConsensusDraft(
        MessageId(request.message_id),
        Slot(request.slot),
        SignedSSVMessage.decode(request.decided),
        tuple(ValidatorDuty.decode(duty) for duty in request.duties),
    )


def _pre_consensus(request: pb.PreConsensusDraft) -> PreConsensusDraft:
    try:
        kind = PartialSignatureType(request.type)
    except ValueError:
        raise _MalformedError(f"partial signature type {request.type}") from None
    objects = tuple(_object(item) for item in request.objects)
    return PreConsensusDraft(MessageId(request.message_id), Slot(request.slot), kind, objects)


def _object(item: pb.PreConsensusObject) -> PreConsensusObject:
    index, pubkey = ValidatorIndex(item.validator_index), BlsPublicKey(item.validator_pubkey)
    if len(pubkey) != _PUBLIC_KEY_BYTES:
        raise _MalformedError(f"public key of {len(pubkey)} bytes")
    match item.WhichOneof("object"):
        case "randao_reveal":
            return RandaoReveal(index, pubkey, Epoch(item.randao_reveal.epoch))
        case "slot_selection":
            return SlotSelection(index, pubkey, Slot(item.slot_selection.slot))
        case "sync_selection":
            selection = item.sync_selection
            return SyncSelection(index, pubkey, Slot(selection.slot), selection.subcommittee_index)
        case "registration":
            wanted = item.registration
            fee_recipient = ExecutionAddress(wanted.fee_recipient)
            if len(fee_recipient) != _ADDRESS_BYTES:
                raise _MalformedError(f"fee recipient of {len(fee_recipient)} bytes")
            return Registration(
                index, ValidatorRegistration(fee_recipient, wanted.gas_limit, wanted.timestamp_s, pubkey)
            )
        case "exit":
            return Exit(pubkey, VoluntaryExit(Epoch(item.exit.epoch), index))
        case _:
            raise _MalformedError("an object of no kind")


def _numbers(draft: Draft) -> Sequence[int]:
    if isinstance(draft, QbftDraft):
        return draft.message.height, draft.message.round, draft.message.msg_type
    items = draft.objects if isinstance(draft, PreConsensusDraft) else draft.duties
    return [draft.slot, *(item.validator_index for item in items)]
