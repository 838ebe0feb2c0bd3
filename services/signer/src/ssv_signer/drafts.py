"""Requests from the wire to drafts, and judgements back to the wire.

Numbers that the database can't hold are refused here: the wire has 64 unsigned bits, SQLite 63, and no slot, round
or index of a living chain comes near either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.effects import Draft, PostConsensusDraft, PreConsensusDraft, QbftDraft
from ssv_protocol.errors import ProtocolError
from ssv_protocol.signing.post_consensus import DeniedDuty
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import MessageId, Slot
from ssv_protocol.types.messages import SignedSSVMessage
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_signer.store.database import MAX_INTEGER


def parse(request: pb.SignRequest) -> Draft | Denied:
    """Return the draft in a request, or why there is none."""
    kind = request.WhichOneof("draft")
    try:
        if kind == "qbft":
            draft: Draft = QbftDraft(QbftMessage.decode(request.qbft.message), request.qbft.full_data)
        elif kind == "post_consensus":
            draft = _post_consensus(request.post_consensus)
        else:
            return Denied(DenialReason.MALFORMED, "no draft")
    except ProtocolError as error:
        return Denied(DenialReason.MALFORMED, str(error))
    if max(_numbers(draft)) > MAX_INTEGER:
        return Denied(DenialReason.MALFORMED, "a number is out of range")
    return draft


def denied(verdict: Denied, duties: Iterable[DeniedDuty] = ()) -> pb.Denied:
    """Return a refusal as it travels."""
    return pb.Denied(reason=verdict.reason, detail=verdict.detail, duties=denied_duties(duties))


def denied_duties(duties: Iterable[DeniedDuty]) -> list[pb.DeniedDuty]:
    """Return the duties that were left out as they travel."""
    return [
        pb.DeniedDuty(validator_index=item.duty.validator_index, duty_type=item.duty.type, denied=denied(item.denied))
        for item in duties
    ]


def _post_consensus(request: pb.PostConsensusDraft) -> PostConsensusDraft:
    return PostConsensusDraft(
        MessageId(request.message_id),
        Slot(request.slot),
        SignedSSVMessage.decode(request.decided),
        tuple(ValidatorDuty.decode(duty) for duty in request.duties),
    )


def _numbers(draft: Draft) -> Iterator[int]:
    if isinstance(draft, QbftDraft):
        yield draft.message.height
        yield draft.message.round
        yield draft.message.msg_type
        return
    yield draft.slot
    items = draft.objects if isinstance(draft, PreConsensusDraft) else draft.duties
    yield from (item.validator_index for item in items)
