"""What the chain, the beacon node's output and the builder's record tell, without any operator's word."""

from dataclasses import replace

import pytest
from devnet.tests.demo.a_run import CHAIN, SLOT, A, B, block, observation

from ssv_devnet.builder.record import BlockUnblinded, BuilderRecord, RegistrationSeen
from ssv_devnet.demo.accepted import Accepted, read_accepted
from ssv_devnet.demo.duty_kind import DutyKind
from ssv_devnet.demo.facts import (
    Facts,
    aggregation_facts,
    blinded_slots,
    chain_facts,
    registration_facts,
    registrations_due,
)
from ssv_devnet.demo.proposals import Proposal, proposals_of
from ssv_devnet.selected import contributors
from ssv_ethereum.beacon.duties import AttesterDuty, SyncDuty
from ssv_protocol.types.ids import BlsPublicKey, Root, Slot, ValidatorIndex

LOG = """\
2026-11-22T12:00:00.000Z slot slot=9 head_slot=8
2026-11-22T12:00:04.000Z accepted aggregate slot=9 validator=16
2026-11-22T12:00:04.100Z accepted contribution slot=9 validator=17 subcommittee=3
2026-11-22T12:00:04.100Z said accepted aggregate slot=9 validator=18 or so
"""
KEYS = {A: BlsPublicKey(b"\x01" * 48), B: BlsPublicKey(b"\x02" * 48)}


def builder(timestamps: dict[ValidatorIndex, int], unblinded: list[BlockUnblinded] | None = None) -> BuilderRecord:
    seen = [RegistrationSeen(f"0x{KEYS[i].hex()}", "0x", 36_000_000, at, 1) for i, at in timestamps.items()]
    return BuilderRecord(seen, 0, [], unblinded or [])


def test_accepted_lines_are_read_and_nothing_else() -> None:
    assert read_accepted(LOG) == Accepted(frozenset({(Slot(9), A)}), frozenset({(Slot(9), B, 3)}))


def test_only_due_duties_land() -> None:
    due, other = frozenset({(SLOT, A)}), frozenset({(SLOT, B)})
    assert Facts(due, due | other).landed == due
    assert Facts(due, None, other).landed == frozenset()


def test_a_proposal_lands_with_a_block_of_its_proposer() -> None:
    seen = observation(
        proposals_due={Slot(9): A, Slot(10): A, Slot(11): B},
        blocks={Slot(9): block(A), Slot(10): None, Slot(11): block(A)},
    )
    assert chain_facts(seen)[DutyKind.PROPOSAL].landed == {(9, A)}


def test_graffiti_tells_whose_block_it_was() -> None:
    seen = observation(
        proposals_due={Slot(9): A, Slot(10): A, Slot(11): B, Slot(12): B},
        blocks={
            Slot(9): block(A, graffiti=b"ssv operator 13"),
            Slot(10): block(A, graffiti=b"ssv operator 1 or so"),
            Slot(11): block(99, graffiti=b"ssv operator 2"),
        },
    )
    assert proposals_of(seen, {Slot(9)}) == [
        Proposal(Slot(9), A, on_chain=True, operator_id=13, blinded=True),  # type: ignore[arg-type]
        Proposal(Slot(10), A, on_chain=True),
        Proposal(Slot(11), B, on_chain=False),
        Proposal(Slot(12), B, on_chain=False),
    ]


def test_a_contribution_duty_is_served_when_all_its_subcommittees_are() -> None:
    seats: dict[Slot, tuple[SyncDuty, ...]] = {
        Slot(slot): (SyncDuty(A, KEYS[A], (0, 128, 256, 384)),) for slot in range(40)
    }
    selected = contributors(CHAIN, seats)
    by_slot: dict[Slot, set[tuple[Slot, ValidatorIndex, int]]] = {}
    for each in selected:
        by_slot.setdefault(each[0], set()).add(each)
    twice = next(slot for slot, of_slot in by_slot.items() if len(of_slot) > 1)
    seen = replace(observation(), sync_duties=seats)
    short = Accepted(contributions=selected - {sorted(by_slot[twice])[0]})
    facts = aggregation_facts(CHAIN, seen, short)[DutyKind.CONTRIBUTION]
    assert facts.due == {(slot, A) for slot in by_slot}
    assert facts.due - facts.landed == {(twice, A)}
    assert facts.on_chain is None


def test_aggregates_are_counted_by_their_aggregator() -> None:
    duties = tuple(AttesterDuty(SLOT, index, KEYS[index], 0, 3, 1, 0) for index in (A, B))  # a small one selects all
    seen = replace(observation(), attester_duties=duties)
    facts = aggregation_facts(CHAIN, seen, Accepted(aggregates=frozenset({(SLOT, A)})))[DutyKind.AGGREGATE]
    assert facts.due == {(SLOT, A), (SLOT, B)}
    assert facts.landed == {(SLOT, A)}


def test_registrations_are_due_by_turns_and_after_a_change_of_the_fee_recipient() -> None:
    cycle = 10 * CHAIN.slots_per_epoch
    assert registrations_due(CHAIN, (A, B), range(cycle + 10, cycle + 30), None) == {(cycle + 16, A), (cycle + 17, B)}
    assert registrations_due(CHAIN, (A, B), range(8, 16), Slot(12)) == {(12, A), (12, B)}
    assert registrations_due(CHAIN, (A, B), range(8, 16), Slot(16)) == frozenset()


@pytest.mark.parametrize(("timestamp", "landed"), [(1048, True), (1047, False), (1096, True)])
def test_a_registration_is_dated_by_its_epochs_start(timestamp: int, landed: bool) -> None:
    due = frozenset({(Slot(12), A)})  # epoch 1 starts at 1000 + 8 * 6
    assert bool(registration_facts(CHAIN, due, KEYS, builder({A: timestamp})).landed) is landed


def test_a_validator_that_never_registered_has_not() -> None:
    assert registration_facts(CHAIN, frozenset({(Slot(12), A)}), KEYS, builder({B: 1048})).landed == frozenset()


def test_a_block_was_blinded_if_its_root_is_in_the_chain() -> None:
    roots = {slot: Root(bytes([slot]) * 32) for slot in map(Slot, (9, 10))}
    seen = observation(own_roots=roots)
    published = [
        BlockUnblinded(9, A, f"0x{roots[Slot(9)].hex()}", "0x"),
        BlockUnblinded(10, A, f"0x{roots[Slot(9)].hex()}", "0x"),  # another block than the one in the chain
    ]
    assert blinded_slots(seen, builder({}, published)) == {9}
