"""No two honest operators decide different values, in whatever order things happen and whatever is lost."""

from dataclasses import dataclass
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libs.protocol.tests.qbft.simulation import FOUR, Network, commit, prepare, proposal

BOUNDED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MAX_EARLY_TIMEOUTS = 2
MAX_ROUNDS_TO_FINISH = 6


@dataclass(frozen=True)
class Weather:
    """How bad the network is before it becomes good."""

    random: Random
    steps: int
    timeout_chance: float
    until_first_decision: bool
    pending_is_lost: bool


weathers = st.builds(
    Weather,
    random=st.randoms(use_true_random=False),
    steps=st.sampled_from([0, 20, 40, 150]),
    timeout_chance=st.sampled_from([0.0, 0.03, 0.15]),
    until_first_decision=st.booleans(),
    pending_is_lost=st.booleans(),
)


def play(network: Network, weather: Weather) -> None:
    """Deliver pending messages in random order, with a few timeouts in between; decisions are told to nobody."""
    timeouts = dict.fromkeys(network.honest, 0)
    for _ in range(weather.steps):
        if weather.random.random() < weather.timeout_chance:
            operator_id = weather.random.choice(network.honest)
            if timeouts[operator_id] < MAX_EARLY_TIMEOUTS:
                timeouts[operator_id] += 1
                network.time_out(operator_id)
        elif network.pending:
            network.deliver(weather.random.randrange(len(network.pending)))
        if weather.until_first_decision and network.decided:
            break
    if weather.pending_is_lost:
        network.pending.clear()


def finish(network: Network) -> None:
    """Everything arrives and the clock brings all into the same round; at last decisions are told to all."""
    network.settle()
    for _ in range(MAX_ROUNDS_TO_FINISH):
        undecided = [item for item in network.honest if item not in network.decided]
        next_round = max((network.rounds[item] + 1 for item in undecided), default=0)
        for operator_id in undecided:
            while network.rounds[operator_id] < next_round:
                network.time_out(operator_id)
        network.settle()
    network.announce()
    network.settle()
    assert set(network.decided) == set(network.honest)
    assert len(set(network.decided.values())) == 1


@BOUNDED
@given(weather=weathers)
def test_honest_operators_agree_and_finish(weather: Weather) -> None:
    network = Network()
    network.start_all(lambda operator_id: b"value of %d" % operator_id)
    play(network, weather)
    finish(network)


@BOUNDED
@given(weather=weathers, told=st.floats(0.3, 1.0))
def test_a_leader_that_says_two_things_splits_nobody(weather: Weather, told: float) -> None:
    traitor, *honest = FOUR
    network = Network(honest=tuple(honest))
    network.start_all(lambda operator_id: b"value of %d" % operator_id)
    for value in (b"black", b"white"):
        for vote in (proposal, prepare, commit):
            network.broadcast(vote(traitor, value))
    network.pending = [item for item in network.pending if weather.random.random() < told]
    play(network, weather)
    finish(network)
