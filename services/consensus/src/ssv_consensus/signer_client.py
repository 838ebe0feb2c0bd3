"""The signer as a worker sees it: verdicts over drafts, and what its shares may still sign."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc.aio
from structlog.typing import FilteringBoundLogger

from ssv_api.v1 import signer_pb2 as pb
from ssv_consensus.duty_id import duty_id_of
from ssv_consensus.ports import Failed, NothingSigned, Signed, SignVerdict
from ssv_consensus.sign_stream import SignStream
from ssv_consensus.sign_wire import lease_of, request_of, verdict_of
from ssv_protocol.effects import Draft
from ssv_protocol.signing.leases import Lease
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, Instant
from ssv_runtime.rpc import RpcFailure

if TYPE_CHECKING:
    from ssv_api.v1.signer_pb2_grpc import SignerAsyncStub


@dataclass(frozen=True, slots=True)
class Watermark:
    """What the signer's record says of a validator's share: the highest target, and the first epoch it signs."""

    target: Epoch
    may_sign_from: Epoch


class SignerClient:
    """The signer over gRPC, for all committees. `on_verdict` is told each verdict."""

    def __init__(
        self,
        stream: SignStream,
        stub: SignerAsyncStub,
        now: Callable[[], Instant],
        log: FilteringBoundLogger,
        on_verdict: Callable[[SignVerdict], None] = lambda verdict: None,
    ) -> None:
        self._stream = stream
        self._stub = stub
        self.now = now
        self._log = log
        self._on_verdict = on_verdict

    async def sign(
        self,
        draft: Draft,
        deadline: Instant,
        lease: Lease | None = None,
        on_lease: Callable[[Lease], None] = lambda lease: None,
    ) -> SignVerdict:
        """Return the signer's verdict, or Failed when `deadline` has come without one.

        `lease` is what is known of the committee's lease, `on_lease` is told what the answer says of it.
        """
        try:
            answer = await self._stream.ask(request_of(draft, lease), max(0.0, deadline - self.now()))
        except TimeoutError:
            verdict: SignVerdict = Failed("no answer before the duty's deadline")
        else:
            verdict = verdict_of(answer)
            told = lease_of(answer)
            if told is not None:
                on_lease(told)
        self._on_verdict(verdict)
        self._tell(draft, verdict)
        return verdict

    async def watermarks(self, committee: CommitteeId, timeout_s: float) -> Mapping[BlsPublicKey, Watermark] | None:
        """Return what the committee's shares may still sign, by validator; None when the signer does not say."""
        try:
            answer = await self._stub.Watermarks(pb.WatermarksRequest(committee_id=committee), timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            self._log.warning("no watermarks from the signer", committee=committee, reason=str(RpcFailure.of(error)))
            return None
        return {
            BlsPublicKey(mark.validator_pubkey): Watermark(Epoch(mark.target_epoch), Epoch(mark.may_sign_from_epoch))
            for mark in answer.watermarks
        }

    def _tell(self, draft: Draft, verdict: SignVerdict) -> None:
        log = self._log.bind(duty_id=duty_id_of(draft))
        match verdict:
            case Signed(_, refusals) | NothingSigned(refusals):
                for each in refusals:
                    log.warning(
                        "the signer leaves a validator out",
                        validator=each.validator_index,
                        duty=each.duty_type.name.lower() if each.duty_type is not None else None,
                        reason=each.denied.reason,
                        why=each.denied.detail,
                    )
            case Denied(reason, detail):
                log.warning("the signer refuses", reason=reason, why=detail, meaning=verdict.explanation)
            case Failed(reason):
                log.warning("the signer could not sign; asking again until the duty's deadline", reason=reason)
