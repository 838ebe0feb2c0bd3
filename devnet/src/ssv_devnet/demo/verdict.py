"""Whether a run passed: a sentence for each thing that is not as it must be.

What is asked of a run in which nothing was broken on purpose:

    attestations included, sync committee messages included, operators taking part    `min_percent`
    proposals                 all due ones on chain but for at most one
    registrations             the builder took all that were due
    a blinded block, an exit  seen in the chain, when the run is long enough for them
    around a switch of rules  no attestation, sync committee message or proposal missed
    signers killed in turn    each was ready again, both were killed, and no attestation of those slots is lost that
                              needed their operator
    nodes taken away          each was there again, and every operator told of endpoints that disagree

Of aggregates and contributions nothing is asked: no block tells of them, and the background validators make some too.
After crashes nothing is promised about the duties next to them, only that all others are well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.report import Report
from ssv_devnet.demo.rule_sets import Switch
from ssv_devnet.demo.signer_kills import NeededVotes
from ssv_devnet.local_network.signer_replicas import SIGNERS
from ssv_protocol.beacon_chain import BeaconChain

LONG_RUN_EPOCHS = 3
"""So many epochs hold a proposal after the validators have registered, and an exit with all its delays."""
PROPOSALS_FORGIVEN = 1
ON_CHAIN_KINDS = (DutyKind.ATTESTATION, DutyKind.SYNC_COMMITTEE_MESSAGE, DutyKind.PROPOSAL)


@dataclass(frozen=True, slots=True)
class Demands:
    """What is asked of a run; `long_run` asks for a blinded block and an exit."""

    chain: BeaconChain
    min_percent: int = 95
    long_run: bool = False
    switch: Switch | None = None


def failures(report: Report, demands: Demands) -> list[str]:
    """Return what is wrong with a run; nothing when it passed."""
    sentences = [f"a secret stands in {leak.file}: {leak.secret}" for leak in report.leaks]
    if report.crashes:
        return [*sentences, *_after_crashes(report)]
    sentences += [*_shares(report, demands.min_percent), *_participation(report, demands.min_percent)]
    sentences += _counted_whole(report)
    sentences += _after_outages(report)
    if report.needed_votes is not None:
        sentences += _after_signer_kills(report, report.needed_votes)
    if demands.long_run:
        sentences += _rare(report)
    if demands.switch is not None:
        sentences += _around(report, demands.switch, demands.chain)
    return sentences


def _shares(report: Report, min_percent: int) -> Iterator[str]:
    votes, sync = report.duties[DutyKind.ATTESTATION], report.duties[DutyKind.SYNC_COMMITTEE_MESSAGE]
    if votes.due == 0:
        yield "nothing was due"
    after_due, after_included = report.after_kill or (0, 0)
    for what, landed, due in (
        ("attestations included", votes.landed, votes.due),
        ("attestations included after the kill", after_included, after_due),
        ("sync committee messages included", sync.landed, sync.due),
    ):
        if due and 100 * landed < min_percent * due:
            yield f"{what}: {landed} of {due}, below {min_percent} %"


def _participation(report: Report, min_percent: int) -> Iterator[str]:
    for operator_id in report.living:
        share = report.participation[operator_id]
        if 100 * share < min_percent:
            yield f"participation of operator {operator_id}: {share:.1%}, below {min_percent} %"


def _counted_whole(report: Report) -> Iterator[str]:
    proposals = report.duties[DutyKind.PROPOSAL]
    if proposals.due - proposals.landed > PROPOSALS_FORGIVEN:
        yield f"proposals on chain: {proposals.landed} of {proposals.due}, at most {PROPOSALS_FORGIVEN} may be missing"
    strangers = [each.slot for each in report.proposals if each.on_chain and each.operator_id is None]
    if strangers:
        yield f"blocks of SSV validators without an operator's graffiti, in slots {', '.join(map(str, strangers))}"
    registrations = report.duties[DutyKind.VALIDATOR_REGISTRATION]
    if registrations.landed < registrations.due:
        yield f"registrations taken by the builder: {registrations.landed} of {registrations.due}"


def _rare(report: Report) -> Iterator[str]:
    if not any(proposal.blinded for proposal in report.proposals):
        yield "no block of an SSV validator was blinded"
    if report.exit is None:
        yield "no voluntary exit was asked for"
    elif report.exit.block_slot is None:
        yield f"the voluntary exit of validator {report.exit.validator_index} is in no block"
    elif report.exit.exit_epoch is None:
        yield f"the beacon chain has set no exit epoch for validator {report.exit.validator_index}"


def _around(report: Report, switch: Switch, chain: BeaconChain) -> Iterator[str]:
    missed = Counter(
        (duty.kind, chain.epoch_of(duty.slot))
        for duty in report.missed
        if duty.kind in ON_CHAIN_KINDS and chain.epoch_of(duty.slot) in switch.epochs
    )
    for (kind, epoch), count in sorted(missed.items()):
        where = "before" if epoch < switch.fork else "after"
        yield f"{count} missed of {kind.replace('_', ' ')} in epoch {epoch}, {where} the switch of rules"


def _after_signer_kills(report: Report, votes: NeededVotes) -> Iterator[str]:
    if len({kill.signer for kill in report.signer_kills}) < len(SIGNERS):
        yield f"signers killed: {len(report.signer_kills)} times, not each of the {len(SIGNERS)}"
    for kill in report.signer_kills:
        if kill.ready_again_s is None:
            yield f"{kill.signer} was not ready again after slot {kill.slot}"
    if votes.lost:
        slots = ", ".join(str(slot) for slot in sorted({duty.slot for duty in votes.lost}))
        lost = f"{len(votes.lost)} of {votes.needed} attestations that needed operator {votes.operator_id}"
        yield f"{lost} were lost in slots in which a signer was killed: {slots}"


def _after_outages(report: Report) -> Iterator[str]:
    for outage in report.outages:
        if outage.over is None:
            yield f"not over by the end: {outage.what}, from slot {outage.begun} on"
        if outage.named_by is not None and set(report.living) - set(outage.named_by):
            silent = ", ".join(map(str, sorted(set(report.living) - set(outage.named_by))))
            yield f"not told of by operators {silent}: {outage.what}"


def _after_crashes(report: Report) -> Iterator[str]:
    for crash in report.crashes:
        if crash.ready_again_s is None:
            yield f"{crash.service} was not ready again"
    blamed = {duty for crash in report.crashes for duty in crash.lost(report.missed)}
    # A block that a crash cost takes the sync committee votes of the slot before with it, so these are not asked for.
    asked: Collection[DutyKind] = (DutyKind.ATTESTATION, DutyKind.PROPOSAL)
    others = [duty for duty in report.missed if duty.kind in asked and duty not in blamed]
    if others:
        yield f"{len(others)} duties were lost that no crash explains"
