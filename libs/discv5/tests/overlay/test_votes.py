"""The vote on our own endpoint."""

from libs.discv5.tests.world import endpoint_of, private_key

from ssv_discv5.endpoint import Endpoint
from ssv_discv5.overlay.votes import MAX_VOTES, VOTE_LIFE_S, Votes
from ssv_discv5.session.session import Peer

OURS, OTHER = Endpoint.of("50.1.1.1", 12001), Endpoint.of("50.1.1.2", 12001)


def voter(number: int, endpoint: Endpoint | None = None) -> Peer:
    return Peer(private_key(number).node_id, endpoint or endpoint_of(number))


def test_a_quorum_of_distinct_voters_is_needed() -> None:
    votes = Votes(quorum=3)
    for number in (1, 2, 2, 2):
        votes.add(voter(number), OURS, 0)
    assert votes.winner(0) is None
    votes.add(voter(3), OURS, 0)
    assert votes.winner(0) == OURS


def test_half_is_no_majority() -> None:
    votes = Votes(quorum=2)
    for number in range(4):
        votes.add(voter(number), OURS if number % 2 else OTHER, 0)
    assert votes.winner(0) is None
    votes.add(voter(9), OTHER, 0)
    assert votes.winner(0) == OTHER


def test_a_voter_may_change_its_mind_and_votes_age() -> None:
    votes = Votes(quorum=2)
    for number in (1, 2):
        votes.add(voter(number), OURS, 0)
    votes.add(voter(1), OTHER, 1)
    assert votes.winner(1) is None
    votes.add(voter(3), OTHER, VOTE_LIFE_S)
    assert votes.winner(VOTE_LIFE_S + 0.5) == OTHER
    assert votes.winner(2 * VOTE_LIFE_S + 1) is None


def test_many_identities_of_one_network_have_one_vote() -> None:
    votes = Votes(quorum=3)
    for number in range(100):
        votes.add(voter(number, Endpoint.of(f"66.6.6.{number}", number + 1)), OTHER, 0)
    assert votes.winner(0) is None
    for number in range(3):
        votes.add(voter(number), OURS, 0)
    assert votes.winner(0) == OURS


def test_nonsense_counts_for_nothing() -> None:
    votes = Votes(quorum=1)
    for said in (Endpoint.of("0.0.0.0", 9), Endpoint.of("50.1.1.1", 0), Endpoint.of("127.0.0.1", 9)):
        votes.add(voter(1), said, 0)
    assert votes.winner(0) is None
    votes.add(voter(1, Endpoint.of("127.0.0.1", 7)), Endpoint.of("127.0.0.1", 9), 0)
    assert votes.winner(0) == Endpoint.of("127.0.0.1", 9)


def test_votes_are_bounded() -> None:
    votes = Votes()
    for number in range(3 * MAX_VOTES):
        votes.add(Peer(private_key(1).node_id, endpoint_of(number)), OURS, 0)
    assert len(votes._votes) == MAX_VOTES
