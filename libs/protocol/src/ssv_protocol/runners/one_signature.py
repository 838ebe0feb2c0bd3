"""The machine of a duty that is one signature of one validator, without consensus (roles 4 and 5).

    start      → one partial signature
    quorum     → Combine
    combined   → Submit and Finish; a bad share is thrown out and the next good one tries again

All operators derive the object from the duty alone, so whoever signs another one is refused.

Source: ssv-spec ssv/validator_registration.go, ssv/voluntary_exit.go, ssv/runner.go.
"""

from __future__ import annotations

from collections.abc import Callable

from ssv_protocol.effects import (
    Combined,
    CombinedAll,
    Effect,
    Event,
    Finish,
    PreConsensusDraft,
    PreConsensusObject,
    Received,
    Refused,
    Send,
    Submit,
)
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.runners.missed import unsigned_reason
from ssv_protocol.runners.runner import Progress
from ssv_protocol.runners.seats import ValidatorSeat
from ssv_protocol.runners.signature_phase import SignaturePhase
from ssv_protocol.signing.objects import pre_consensus_root
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsSignature, Instant, ValidatorIndex
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, RunnerRole


class OneSignatureRunner:
    """One such duty. `submission` makes of the validator's signature what the beacon nodes get."""

    consensus = None
    post_consensus = None

    def __init__(
        self,
        seat: ValidatorSeat,
        duty: ValidatorDuty,
        role: RunnerRole,
        kind: PartialSignatureType,
        item: PreConsensusObject,
        submission: Callable[[BlsSignature], Submit],
    ) -> None:
        self.duty = duty
        self.message_id = validator_message_id(seat.network.domain_at(duty.slot), role, seat.share.validator_pubkey)
        self.item = item
        self.finished = False
        self.pre_consensus = SignaturePhase(seat.member, seat.shares)
        self._kind = kind
        self._submission = submission
        self._root = pre_consensus_root(seat.network.chain, duty.slot, item)
        self._refused = False

    def start(self) -> list[Effect]:
        """Begin the duty: sign the object."""
        return [Send(PreConsensusDraft(self.message_id, self.duty.slot, self._kind, (self.item,)))]

    def resume(self, progress: Progress) -> None:
        """Take up the duty in mid-course; see `Runner.resume`."""
        for message in progress.pre_consensus:
            self.pre_consensus.container.add(message)
        self.finished = progress.finished

    def step(self, event: Event, at: Instant) -> list[Effect]:
        """Take one event and return what is to be done.

        Raises:
            ProtocolError: a message was refused.
        """
        match event:
            case Received(_, content):
                if isinstance(content, QbftMessage):
                    raise ProtocolError(Reason.NO_CONSENSUS_PHASE)
                return self._share_signatures(content)
            case CombinedAll(results):
                return self._combined(results)
            case Refused():
                self._refused = True
        return []

    def missed_reason(
        self, validator_index: ValidatorIndex, duty_type: BeaconRole | None = None
    ) -> MissedReason | None:
        """Return what keeps the object from being submitted; None when it has been handed over."""
        key = validator_index, self._root
        return None if self.finished else unsigned_reason(self.pre_consensus, key, refused=self._refused)

    def _share_signatures(self, partials: PartialSignatures) -> list[Effect]:
        if partials.type == PartialSignatureType.POST_CONSENSUS:
            raise ProtocolError(Reason.NO_POST_CONSENSUS_PHASE)
        if self.finished:
            raise ProtocolError(Reason.DUTY_FINISHED)
        self.pre_consensus.check_exactly(partials, self.duty.slot, [self._root])
        return self.pre_consensus.combine(self.pre_consensus.store(partials))

    def _combined(self, results: tuple[Combined, ...]) -> list[Effect]:
        good, effects = self.pre_consensus.combined(results)
        for signature in good.values():
            self.finished = True
            effects += [self._submission(signature), Finish()]
        return effects
