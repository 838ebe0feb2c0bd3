from dataclasses import replace

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.forks import Network, SsvFork
from ssv_protocol.networks import HOODI, LOCAL_ALAN_DOMAIN, LOCAL_BOOLE_DOMAIN, local_network
from ssv_protocol.qbft.leader import alan_leader, boole_leader
from ssv_protocol.types.ids import Epoch, ExecutionAddress, ForkVersion, Height, OperatorId, Root, Round, Slot
from ssv_protocol.types.roles import RunnerRole

SLOTS_PER_EPOCH = 8
BOOLE_EPOCH = Epoch(5)
LAST_OF_ALAN, FIRST_OF_BOOLE = Slot(BOOLE_EPOCH * SLOTS_PER_EPOCH - 1), Slot(BOOLE_EPOCH * SLOTS_PER_EPOCH)
CHAIN = BeaconChain(
    0,
    Root(bytes(32)),
    6.0,
    SLOTS_PER_EPOCH,
    8,
    512,
    (
        ScheduledFork(BeaconFork.ELECTRA, ForkVersion(bytes(4)), Epoch(0)),
        ScheduledFork(BeaconFork.FULU, ForkVersion(b"\1\0\0\0"), Epoch(3)),
    ),
)
NETWORK = Network(local_network(ExecutionAddress(bytes(20)), 6.0, BOOLE_EPOCH), CHAIN)
COMMITTEE = tuple(map(OperatorId, (7, 3, 9, 5)))


def test_boole_holds_from_the_first_slot_of_its_epoch() -> None:
    assert NETWORK.ssv_fork_at(LAST_OF_ALAN) is SsvFork.ALAN
    assert NETWORK.ssv_fork_at(FIRST_OF_BOOLE) is SsvFork.BOOLE
    assert NETWORK.ssv_fork_at(Slot(10**9)) is SsvFork.BOOLE


def test_the_domain_changes_with_the_fork() -> None:
    assert NETWORK.domain_at(LAST_OF_ALAN) == LOCAL_ALAN_DOMAIN
    assert NETWORK.domain_at(FIRST_OF_BOOLE) == LOCAL_BOOLE_DOMAIN


def test_without_a_date_it_is_alan_for_ever() -> None:
    network = Network(HOODI, CHAIN)
    assert network.ssv_fork_at(Slot(10**9)) is SsvFork.ALAN
    assert network.domain_at(Slot(10**9)) == HOODI.alan_domain
    assert network.leader_at(Slot(10**9)) is alan_leader


def test_the_leader_function_is_that_of_the_height() -> None:
    for slot in range(LAST_OF_ALAN - 20, FIRST_OF_BOOLE + 20):
        leader = NETWORK.leader_at(Slot(slot))
        for at_round in range(1, 6):
            height, round_ = Height(slot), Round(at_round)
            expected = (
                boole_leader(height, round_, COMMITTEE)
                if slot >= FIRST_OF_BOOLE
                else alan_leader(height, round_, COMMITTEE)
            )
            assert leader(height, round_, COMMITTEE) == expected


def test_proposals_have_rounds_of_their_own_under_each_rule_set() -> None:
    ssv = replace(NETWORK.ssv, alan_proposer_timeout_s=2.0, boole_proposer_timeout_s=1.5)
    network = replace(NETWORK, ssv=ssv)
    slots = (Slot(LAST_OF_ALAN), Slot(FIRST_OF_BOOLE))
    assert [network.quick_timeout_at(slot, RunnerRole.PROPOSER) for slot in slots] == [2.0, 1.5]
    for role in set(RunnerRole) - {RunnerRole.PROPOSER}:
        assert {network.quick_timeout_at(slot, role) for slot in slots} == {ssv.quick_timeout_s}
        assert network.last_round_of(role) is None
    assert network.last_round_of(RunnerRole.PROPOSER) == 2


def test_the_ethereum_fork_is_an_axis_of_its_own() -> None:
    slots = (0, 3 * SLOTS_PER_EPOCH - 1, 3 * SLOTS_PER_EPOCH, FIRST_OF_BOOLE)
    assert [NETWORK.beacon_fork_at(Slot(slot)) for slot in slots] == [
        BeaconFork.ELECTRA,
        BeaconFork.ELECTRA,
        BeaconFork.FULU,
        BeaconFork.FULU,
    ]
