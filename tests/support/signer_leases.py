"""Leases as a worker keeps them: claimed once, given back with each request, the latest told is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, MessageId
from ssv_protocol.types.message_id import (
    COMMITTEE_ROLES,
    MESSAGE_ID_BYTES,
    committee_of,
    duty_executor,
    message_role,
)
from ssv_protocol.types.qbft_message import QbftMessage

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub

Draft = pb.QbftDraft | pb.PreConsensusDraft | pb.PostConsensusDraft


class SignerLeases:
    """The leases of one worker, of whichever signers share a database."""

    def __init__(self, holder: str = "worker") -> None:
        self.holder = holder
        self.held: dict[CommitteeId, pb.Lease] = {}
        self._committees: dict[BlsPublicKey, CommitteeId] = {}

    async def take(self, stub: SignerAsyncStub) -> None:
        """Claim every committee of which the signer has shares and this has no lease."""
        shares = (await stub.ListShares(pb.ListSharesRequest())).shares
        self._committees |= {BlsPublicKey(each.validator_pubkey): CommitteeId(each.committee_id) for each in shares}
        new = {CommitteeId(each.committee_id) for each in shares} - self.held.keys()
        if new:
            await self.claim(stub, *new)

    async def claim(self, stub: SignerAsyncStub, *committees: CommitteeId) -> list[pb.CommitteeLease]:
        """Claim committees, whoever holds them; says what it knows."""
        wanted = [pb.CommitteeClaim(committee_id=each, witness=self.held.get(each)) for each in committees]
        answer = await stub.Claim(pb.ClaimRequest(holder=self.holder, committees=wanted))
        for each in answer.committees:
            if each.HasField("lease"):
                self.held[CommitteeId(each.committee_id)] = each.lease
        return list(answer.committees)

    def request(self, number: int, draft: Draft) -> pb.SignRequest:
        """Return the request for a draft, with the lease of its committee."""
        committee = self.committee_of(draft)
        lease = self.held.get(committee) if committee is not None else None
        if isinstance(draft, pb.QbftDraft):
            return pb.SignRequest(request_id=number, qbft=draft, lease=lease)
        if isinstance(draft, pb.PreConsensusDraft):
            return pb.SignRequest(request_id=number, pre_consensus=draft, lease=lease)
        return pb.SignRequest(request_id=number, post_consensus=draft, lease=lease)

    def note(self, committee: CommitteeId | None, answer: pb.SignResponse) -> None:
        """Remember what an answer tells."""
        held = self.held.get(committee) if committee is not None else None
        if committee is None or held is None or not answer.HasField("lease"):
            return
        if answer.lease.lineage == held.lineage and answer.lease.fence == held.fence and answer.lease.seq >= held.seq:
            self.held[committee] = answer.lease

    def committee_of(self, draft: Draft) -> CommitteeId | None:
        """Return the committee that a draft is of, as far as can be told."""
        try:
            if isinstance(draft, pb.QbftDraft):
                message_id = MessageId(QbftMessage.decode(draft.message).identifier)
            else:
                message_id = MessageId(draft.message_id)
        except ProtocolError:
            return None
        if len(message_id) != MESSAGE_ID_BYTES:
            return None
        if message_role(message_id) in COMMITTEE_ROLES:
            return committee_of(message_id)
        return self._committees.get(BlsPublicKey(duty_executor(message_id)))
