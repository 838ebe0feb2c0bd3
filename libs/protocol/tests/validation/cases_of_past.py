"""Rules that hang on earlier messages, the clock and the beacon chain's duties: 39 to 47, 56 to 60, 62."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from libs.protocol.tests.signing.world import CHAIN, CLOCK, COMMITTEE, SLOTS_PER_EPOCH
from libs.protocol.tests.validation.cases import IGNORE, REJECT, Case, Make
from libs.protocol.tests.validation.good_messages import (
    CHANGE,
    COMMIT,
    CONTRIBUTOR,
    EXIT,
    PREPARE,
    PROOFS,
    PROPOSER,
    RANDAO,
    REGISTRATION,
    SELECTION,
    justification,
    lone,
    proposal,
)
from libs.protocol.tests.validation.gossip_world import (
    EPOCH,
    VALIDATOR,
    VALUE,
    Consensus,
    Partials,
    directory,
    knowledge,
    validator_id,
)

from ssv_protocol.types.ids import BlsPublicKey, Epoch, Instant, Slot
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole
from ssv_protocol.validation.beacon_facts import BeaconFacts, NetworkDuties
from ssv_protocol.validation.incoming import Knowledge
from ssv_protocol.validation.verdict import GossipReason

R = GossipReason
POST = PartialSignatureType.POST_CONSENSUS
FIRST = CHAIN.first_slot(EPOCH)
AT_FIRST = Instant(CHAIN.slot_start(FIRST) + 1.0)
LATER = Slot(CLOCK + 1)
AT_LATER = Instant(CHAIN.slot_start(LATER) + 1.0)
NEXT_EPOCH = CHAIN.first_slot(Epoch(EPOCH + 1))
AT_NEXT_EPOCH = Instant(CHAIN.slot_start(NEXT_EPOCH) + 1.0)
NOBODY = NetworkDuties(frozenset(), frozenset())


def prepare(slot: Slot = CLOCK, round_: int = 1) -> Make:
    return lambda: Consensus(slot=slot, round=round_).signed()


def block_prepare(slot: Slot = CLOCK) -> Make:
    return lambda: Consensus(slot=slot, outer_id=validator_id(PROPOSER)).signed()


def decided(*signers: int) -> Make:
    return lambda: Consensus(COMMIT, signers=signers, full_data=VALUE).signed()


def batch(type_: int, role: RunnerRole, slot: Slot = CLOCK) -> Make:
    return lambda: lone(type_, role, slot=slot)


def with_duties(duties: Mapping[Epoch, NetworkDuties]) -> Knowledge:
    return replace(knowledge(), beacon=replace(knowledge().beacon, duties=duties))


def nobody_knows() -> Knowledge:
    return with_duties({})


def nobody_has_any() -> Knowledge:
    return with_duties({EPOCH: NOBODY, Epoch(EPOCH + 1): NOBODY})


def two_validators() -> Knowledge:
    return with_validators(2)


def with_validators(count: int, beacon: BeaconFacts | None = None) -> Knowledge:
    """As many validators in the committee, of which one is known to have no seat in the sync committee."""
    keys = (VALIDATOR, *(BlsPublicKey(number.to_bytes(48, "big")) for number in range(1, count)))
    known = replace(directory().committees[COMMITTEE], validators=keys)
    base = replace(knowledge(), directory=replace(directory(), committees={COMMITTEE: known}))
    return base if beacon is None else replace(base, beacon=beacon)


def small() -> Knowledge:
    """One validator without a seat: two slots an epoch."""
    return nobody_has_any()


REPEATED = [
    Case(39, IGNORE, R.PAST_ROUND, prepare(), before=[prepare(round_=2)]),
    Case(39, IGNORE, R.PAST_ROUND, prepare(), before=[lambda: Consensus(CHANGE, round=2).signed()]),
    Case(40, REJECT, R.OTHER_PROPOSAL, partial(proposal, value=b"other", full_data=b"other"), before=[proposal]),
    Case(41, REJECT, R.DUPLICATE, lambda: proposal(prepares=(justification(),)), before=[proposal]),
    *[
        Case(
            41,
            REJECT,
            R.DUPLICATE,
            lambda kind=kind: Consensus(kind, value=b"other").signed(),  # type: ignore[misc]
            before=[lambda kind=kind: Consensus(kind).signed()],  # type: ignore[misc]
        )
        for kind in (PREPARE, COMMIT, CHANGE)
    ],
    Case(42, IGNORE, R.DUPLICATE_DECISION, decided(1, 2, 3), before=[decided(1, 2, 4), decided(1, 2, 3)]),
    # at 1 s of rounds of 1 s the second runs, and the third may come
    Case(43, IGNORE, R.FUTURE_ROUND, prepare(round_=4)),
    Case(44, IGNORE, R.PAST_SLOT, block_prepare(), before=[block_prepare(LATER)], at=AT_LATER),
    Case(57, IGNORE, R.PAST_SLOT, batch(RANDAO, PROPOSER), before=[batch(RANDAO, PROPOSER, LATER)], at=AT_LATER),
    Case(57, IGNORE, R.PAST_SLOT, batch(POST, PROPOSER), before=[block_prepare(LATER)], at=AT_LATER),
    Case(59, REJECT, R.DUPLICATE_BATCH, lambda: Partials(count=1).signed(), before=[lambda: Partials().signed()]),
    Case(
        59,
        REJECT,
        R.DUPLICATE_BATCH,
        lambda: Partials(PROOFS, identifier=validator_id(CONTRIBUTOR), count=2).signed(),
        before=[batch(PROOFS, CONTRIBUTOR), batch(POST, CONTRIBUTOR)],
    ),
    Case(62, REJECT, R.PARTIALS_REPEATED, lambda: Partials(count=3).signed(), known=two_validators),
]

DUTIES = [
    Case(45, IGNORE, R.NO_DUTY, block_prepare(), known=nobody_has_any),
    Case(45, IGNORE, R.DUTIES_UNKNOWN, block_prepare(), known=nobody_knows),
    Case(45, IGNORE, R.DUTIES_UNKNOWN, block_prepare(FIRST), known=nobody_knows, at=AT_FIRST),
    Case(45, IGNORE, R.NO_DUTY, lambda: Consensus(outer_id=validator_id(CONTRIBUTOR)).signed(), known=nobody_has_any),
    Case(
        45,
        IGNORE,
        R.DUTIES_UNKNOWN,
        lambda: Consensus(outer_id=validator_id(CONTRIBUTOR)).signed(),
        known=nobody_knows,
    ),
    Case(58, IGNORE, R.NO_DUTY, batch(RANDAO, PROPOSER), known=nobody_has_any),
    Case(58, IGNORE, R.DUTIES_UNKNOWN, batch(RANDAO, PROPOSER), known=nobody_knows),
    Case(58, IGNORE, R.DUTIES_UNKNOWN, batch(RANDAO, PROPOSER, FIRST), known=nobody_knows),  # two slots late
    Case(58, IGNORE, R.NO_DUTY, batch(PROOFS, CONTRIBUTOR), known=nobody_has_any),
    Case(46, IGNORE, R.TOO_EARLY, prepare(LATER)),
    Case(46, IGNORE, R.TOO_LATE, prepare(), at=Instant(CHAIN.slot_start(Slot(CLOCK + SLOTS_PER_EPOCH + 3)))),
    Case(60, IGNORE, R.TOO_EARLY, batch(RANDAO, PROPOSER, LATER)),
    Case(60, IGNORE, R.TOO_LATE, batch(RANDAO, PROPOSER), at=Instant(CHAIN.slot_start(Slot(CLOCK + 4)))),
    Case(
        47,
        IGNORE,
        R.TOO_MANY_DUTIES,
        prepare(),
        before=[prepare(Slot(CLOCK - 1)), prepare(Slot(CLOCK - 2))],
        known=small,
    ),
    Case(
        47,
        IGNORE,
        R.TOO_MANY_DUTIES,
        decided(1, 2, 4),
        before=[prepare(Slot(CLOCK - 1)), prepare(Slot(CLOCK - 2))],
        known=small,
    ),
    *[
        Case(
            60,
            IGNORE,
            R.TOO_MANY_DUTIES,
            batch(type_, role),
            before=[batch(type_, role, Slot(CLOCK - 2)), batch(type_, role, Slot(CLOCK - 1))],
        )
        for type_, role in (
            (SELECTION, RunnerRole.AGGREGATOR),
            (PartialSignatureType.VALIDATOR_REGISTRATION, REGISTRATION),
        )
    ],
    Case(60, IGNORE, R.TOO_MANY_DUTIES, batch(PartialSignatureType.VOLUNTARY_EXIT, EXIT, Slot(CLOCK - 1))),
]

CASES = [*REPEATED, *DUTIES]
