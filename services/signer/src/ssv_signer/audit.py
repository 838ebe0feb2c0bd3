"""What the signer says about its work: for each refusal one line that says whose duty it was and who asked; metrics.

No line carries anything that was signed with, and details are the rules' own words. Calls that are refused as such, by
permission or because they can't be carried out, are told by the server that took them (`ssv_runtime.rpc.server`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from logging import DEBUG

from structlog.typing import FilteringBoundLogger

from ssv_protocol.effects import Draft, PreConsensusDraft, QbftDraft
from ssv_protocol.signing.leases import Lease, Taken
from ssv_protocol.signing.verdict import Denied
from ssv_protocol.types.ids import BlsPublicKey, CommitteeId, Epoch, MessageId
from ssv_protocol.types.message_id import COMMITTEE_ROLES, committee_of, duty_executor, message_role
from ssv_protocol.types.roles import QbftMessageType, RunnerRole
from ssv_signer.custody import Added, NewShare
from ssv_signer.interchange import Imported
from ssv_signer.leasing import Outcome
from ssv_signer.meters import Meters
from ssv_signer.work import LeftOut

QBFT, PRE_CONSENSUS, POST_CONSENSUS, UNKNOWN = "qbft", "pre_consensus", "post_consensus", "unknown"
KINDS = (QBFT, PRE_CONSENSUS, POST_CONSENSUS)
_SHORT_BYTES = 4
_PROGRESS_SHARES = 1_000
_STEPS = {member.value: member.name.lower() for member in QbftMessageType}
_ROLES = {member.value: member.name.lower() for member in RunnerRole}


class Audit:
    """Logs and counts verdicts."""

    def __init__(self, log: FilteringBoundLogger, meters: Meters) -> None:
        self._log = log
        self._meters = meters
        self._signed = {each: meters.requests.labels(each, "signed") for each in KINDS}
        self._taken = 0

    def refused(self, draft: Draft | None, denied: Denied, caller: str) -> None:
        """A request was refused in whole."""
        self._meters.requests.labels(kind(draft), "denied").inc()
        self._meters.denials.labels(denied.reason.value).inc()
        self._log.warning("refused to sign", **_words(denied), **_duty(draft), caller=caller)

    def left_out(self, draft: Draft, items: Iterable[LeftOut], caller: str) -> None:
        """Duties or objects of a request were refused for a reason of their own."""
        for item in items:
            self._meters.denials.labels(item.denied.reason.value).inc()
            self._log.warning(
                "refused to sign for a validator",
                **_words(item.denied),
                **_duty(draft),
                validator_index=item.validator_index,
                duty_type=item.duty_type,
                caller=caller,
            )

    def failed(self, draft: Draft, reason: str, caller: str) -> None:
        """The signer could not do its work; its cause was logged where it happened."""
        self._meters.requests.labels(kind(draft), "failed").inc()
        self._log.warning("could not sign", reason=reason, **_duty(draft), caller=caller)

    def not_in_journal(self, committee: CommitteeId, reason: str, caller: str) -> None:
        """What is on record could not be signed again for a successor."""
        self._log.warning("left a message out of a journal", committee=committee.hex(), reason=reason, caller=caller)

    def broke(self, caller: str) -> None:
        """Answering ended in an exception, which is being handled."""
        self._meters.requests.labels(UNKNOWN, "failed").inc()
        self._log.exception("a request could not be answered", caller=caller)

    def signed(self, draft: Draft) -> None:
        """A message was signed."""
        self._signed[kind(draft)].inc()
        if self._log.is_enabled_for(DEBUG):  # there are hundreds of them in a moment
            self._log.debug("signed", **_duty(draft))

    def share_added(self, share: NewShare, added: Added, caller: str) -> None:
        """A share is held; or its committee has other keys than before."""
        committee = share.seat.committee_id.hex()
        if added.added:
            self._log.info(
                "holding a share",
                validator=share.validator_pubkey.hex(),
                committee=committee,
                may_sign_from_epoch=added.may_sign_from,
                caller=caller,
            )
            self._taken += 1
            if self._taken % _PROGRESS_SHARES == 0:
                self._log.info("took shares since the start", shares=self._taken)
        if added.keys_changed:
            self._log.warning("the keys of a committee's operators changed", committee=committee, caller=caller)

    def share_removed(self, validator_pubkey: BlsPublicKey, caller: str) -> None:
        """A share was let go."""
        self._log.info("let go of a share", validator=validator_pubkey.hex(), caller=caller)

    def held(self, validators: Sequence[BlsPublicKey], epoch: Epoch, caller: str) -> None:
        """Shares sign later than before."""
        if not validators:
            return
        self._log.info("shares wait", shares=len(validators), may_sign_from_epoch=epoch, caller=caller)
        for key in validators:
            self._log.debug("a share waits", validator=key.hex(), may_sign_from_epoch=epoch, caller=caller)

    def claimed(self, holder: str, outcomes: Iterable[Outcome], caller: str) -> None:
        """Committees were claimed; which began anew was told already."""
        for each in outcomes:
            committee = each.committee.hex()
            match each.result:
                case Lease():
                    self._log.info(
                        "a worker holds a committee",
                        committee=committee,
                        holder=holder,
                        fence=each.result.fence,
                        caller=caller,
                    )
                case Taken(fence, other):
                    self._log.info(
                        "another worker holds the committee",
                        committee=committee,
                        holder=other,
                        fence=fence,
                        asked=holder,
                        caller=caller,
                    )
                case Denied():
                    self._log.warning(
                        "a committee could not be claimed",
                        committee=committee,
                        asked=holder,
                        **_words(each.result),
                        caller=caller,
                    )

    def renewed(self, outcomes: Iterable[Outcome], caller: str) -> None:
        """Leases were asked after; those that hold are nothing to tell."""
        for each in outcomes:
            if isinstance(each.result, Denied):
                self._log.warning(
                    "a lease does not hold", committee=each.committee.hex(), **_words(each.result), caller=caller
                )

    def released(self, committees: Iterable[CommitteeId], caller: str) -> None:
        """Committees were let go."""
        for committee in committees:
            self._log.info("nobody holds a committee", committee=committee.hex(), caller=caller)

    def slashing_exported(self, keys: int, caller: str) -> None:
        """Slashing records were given out."""
        self._log.info("gave out the slashing records", keys=keys, caller=caller)

    def slashing_imported(self, imported: Imported, caller: str) -> None:
        """Slashing records were merged into those held."""
        self._log.info("took slashing records", **asdict(imported), caller=caller)


def kind(draft: Draft | None) -> str:
    """Return the metric label of a draft."""
    if draft is None:
        return UNKNOWN
    if isinstance(draft, QbftDraft):
        return QBFT
    return PRE_CONSENSUS if isinstance(draft, PreConsensusDraft) else POST_CONSENSUS


def _words(denied: Denied) -> dict[str, object]:
    return {"reason": denied.reason.value, "detail": denied.detail, "meaning": denied.explanation}


def _duty(draft: Draft | None) -> dict[str, object]:
    if draft is None:
        return {}
    if not isinstance(draft, QbftDraft):
        return _place(draft.message_id, draft.slot)
    message = draft.message
    step = {"step": _STEPS.get(message.msg_type, str(message.msg_type)), "round": message.round}
    return _place(draft.message_id, message.height) | step


def _place(message_id: MessageId, slot: int) -> dict[str, object]:
    role = message_role(message_id)
    executor = committee_of(message_id) if role in COMMITTEE_ROLES else duty_executor(message_id)
    short, name = executor[:_SHORT_BYTES].hex(), _ROLES.get(role, str(role))
    return {"duty_id": f"{name}-{slot}-{short}", "slot": slot, "role": name, "committee": executor.hex()}
