"""No two honest operators decide different values, in whatever order things happen."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libs.protocol.tests.qbft.simulation import FOUR, Network, commit, prepare, proposal

from ssv_protocol.types.ids import OperatorId

BOUNDED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MAX_EARLY_TIMEOUTS = 2
MAX_ROUNDS_TO_FINISH = 6

deliveries = st.lists(
    st.tuples(st.sampled_from([True, True, True, True, True, True, False]), st.integers(0, 1000)), max_size=120
)


def play(network: Network, script: list[tuple[bool, int]]) -> None:
    """Deliver pending messages in the drawn order, with a few timeouts in between."""
    timeouts = dict.fromkeys(network.honest, 0)
    for is_delivery, number in script:
        operator_id = network.honest[number % len(network.honest)]
        if is_delivery and network.pending:
            network.deliver(number)
        elif not is_delivery and timeouts[operator_id] < MAX_EARLY_TIMEOUTS:
            timeouts[operator_id] += 1
            network.time_out(operator_id)
        assert len(set(network.decided.values())) <= 1


def finish(network: Network) -> None:
    """Let the network be good again: everything arrives, and the clock brings all into the same round."""
    network.settle()
    for _ in range(MAX_ROUNDS_TO_FINISH):
        undecided = [item for item in network.honest if item not in network.decided]
        next_round = max((network.rounds[item] + 1 for item in undecided), default=0)
        for operator_id in undecided:
            while network.rounds[operator_id] < next_round:
                network.time_out(operator_id)
        network.settle()
    assert len(set(network.decided.values())) <= 1


@BOUNDED
@given(script=deliveries)
def test_honest_operators_agree_and_finish(script: list[tuple[bool, int]]) -> None:
    network = Network()
    network.start_all(lambda operator_id: b"value of %d" % operator_id)
    play(network, script)
    finish(network)
    assert set(network.decided) == set(FOUR)


@BOUNDED
@given(script=deliveries, silent=st.booleans())
def test_a_leader_that_says_everything_to_everybody_splits_nobody(script: list[tuple[bool, int]], silent: bool) -> None:
    traitor, *honest = FOUR
    network = Network(honest=tuple(honest))
    network.start_all(lambda operator_id: b"value of %d" % operator_id)
    for value in (b"black", b"white"):
        for vote in (proposal, prepare, commit):
            network.broadcast(vote(OperatorId(traitor), value))
    if silent:
        network.pending = network.pending[::2]
    play(network, script)
    finish(network)
    assert set(network.decided) == set(honest)
