"""The shell around the vectors' machines: signs, fetches, combines, submits on the spot, and notes what happened.

Everything is real but for the beacon node, which the vectors define. Own messages are not given back to the machine:
the vectors bring them. The error of a step is the last one, whether the step was refused or went on with a report.

Source: ssv-spec ssv/spectest/tests/msg_processing_spectest.go; types/testingutils/compare.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from ssv_protocol.crypto.combine import combine
from ssv_protocol.crypto.rsa import verify_envelope
from ssv_protocol.effects import (
    Combine,
    Draft,
    Effect,
    Event,
    FetchAggregate,
    FetchAggregateAndProof,
    FetchAttestationData,
    FetchBlock,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
    PostConsensusDraft,
    PreConsensusDraft,
    QbftDraft,
    Report,
    Send,
    Submit,
)
from ssv_protocol.errors import ProtocolError
from ssv_protocol.runners.duty_lane import DutyLane
from ssv_protocol.signing.decided_objects import decided_objects
from ssv_protocol.signing.objects import pre_consensus_root
from ssv_protocol.types.ids import Root, ValidatorIndex
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.operator import CommitteeMember
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.roles import MsgType, RunnerRole
from tests.spec.go_json import Json
from tests.spec.ssv_chain import CHAIN, NOW, answer
from tests.spec.ssv_json import Shares
from tests.spec.ssv_keys import ME, operator_keys, sign_share
from tests.spec.types_json import parse_partial_signatures

T = TypeVar("T")
_FETCHES = (
    FetchAttestationData,
    FetchBlock,
    FetchAggregate,
    FetchAggregateAndProof,
    FetchBlockRoot,
    FetchContribution,
    FetchContributions,
)


class Shell:
    """Carries out what machines want; `error` is the last error of all steps."""

    def __init__(self, member: CommitteeMember, shares: Shares) -> None:
        self.sent: list[PartialSignatures] = []
        self.submitted: list[Root] = []
        self.error: ProtocolError | None = None
        self._member = member
        self._shares = shares
        self._key = operator_keys(len(member.committee))[ME]

    def run(self, step: Callable[[], tuple[DutyLane, list[Effect]]]) -> None:
        """Take a step that a dispatcher makes."""
        try:
            lane, effects = step()
        except ProtocolError as error:
            self.error = error
        else:
            self._carry_out(lane, effects)

    def check_sent(self, expected: Iterable[Json] | None, *, ordered: bool) -> None:
        """Compare the batches of share signatures: each by its content, in any order within a batch."""
        wanted = [_summary(parse_partial_signatures(tree)) for tree in expected or ()]
        actual = [_summary(batch) for batch in self.sent]
        if not ordered:
            wanted, actual = sorted(wanted), sorted(actual)
        assert actual == wanted, f"sent {actual}, expected {wanted}"

    def check_submitted(self, expected: Iterable[str] | None) -> None:
        """Compare the roots of what was handed to the beacon node, in any order."""
        missing = Counter(expected or ())
        missing.subtract(root.hex() for root in self.submitted)
        wrong = {root: count for root, count in missing.items() if count}
        assert not wrong, f"submitted (negative: too often): {wrong}"

    def _carry_out(self, lane: DutyLane, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self._sign(effect.draft)
            elif isinstance(effect, _FETCHES):
                self._tell(lane, answer(effect))
            elif isinstance(effect, Combine):
                self._tell(lane, combine(effect, bytes_for_blinding))
            elif isinstance(effect, Submit):
                self.submitted += _roots(effect)
            elif isinstance(effect, Report):
                self.error = ProtocolError(effect.reason, effect.detail)

    def _tell(self, lane: DutyLane, event: Event) -> None:
        runner = lane.runner
        assert runner is not None
        try:
            effects = runner.step(event, NOW)
        except ProtocolError as error:
            self.error = error
        else:
            self._carry_out(lane, effects)

    def _sign(self, draft: Draft) -> None:
        if isinstance(draft, QbftDraft):
            message = SSVMessage(MsgType.CONSENSUS, draft.message_id, draft.message.encode())
            self._publish(message, draft.full_data)
            return
        kind, items = _items(draft)
        batch = PartialSignatures(kind, draft.slot, tuple(self._partial_signature(*item) for item in items))
        self.sent.append(batch)
        self._publish(SSVMessage(MsgType.PARTIAL_SIGNATURE, draft.message_id, batch.encode()))

    def _partial_signature(self, index: ValidatorIndex, root: Root) -> PartialSignature:
        return PartialSignature(sign_share(self._shares[index], root), root, ME, index)

    def _publish(self, message: SSVMessage, full_data: bytes = b"") -> None:
        signed = SignedSSVMessage((self._key.sign(message),), (ME,), message, full_data)
        signed.validate()
        assert verify_envelope(self._member, signed), "an output has a wrong signature"


def bytes_for_blinding(count: int) -> bytes:
    """Return fixed bytes: the vectors' signatures were not chosen with a batch verification in mind."""
    return bytes(range(1, count + 1))


def _items(draft: PreConsensusDraft | PostConsensusDraft) -> tuple[int, list[tuple[ValidatorIndex, Root]]]:
    if isinstance(draft, PreConsensusDraft):
        items = draft.objects
        return draft.type, [(item.validator_index, pre_consensus_root(CHAIN, draft.slot, item)) for item in items]
    role = RunnerRole(message_role(draft.message_id))
    objects = decided_objects(CHAIN, role, draft.slot, draft.decided.full_data, draft.duties)
    return 0, [(item.duty.validator_index, item.signing_root) for item in objects]


def _roots(work: Submit) -> list[Root]:
    items = (
        *work.attestations,
        *work.sync_messages,
        *(proposal.container for proposal in work.proposals),
        *work.aggregates,
        *work.contributions,
        *work.registrations,
        *work.exits,
    )
    return [item.hash_tree_root() for item in items]


def _summary(batch: PartialSignatures) -> tuple[int, int, list[str]]:
    return batch.type, batch.slot, sorted(message.hash_tree_root().hex() for message in batch.messages)
