"""A worker that starts again hears its peers before it knows its validators' indices, which come with the duties."""

from __future__ import annotations

from dataclasses import replace

from services.consensus.tests.committee import FIRST_SLOT, ONE, THREE, TWO
from services.consensus.tests.every_duty import Play, on_the_chain

from ssv_protocol.errors import Reason
from ssv_protocol.types.roles import BeaconRole, RunnerRole


def test_what_peers_said_of_a_validator_without_an_index_here_is_kept_for_its_duty() -> None:
    """Operator 4 is down, so nobody has a RANDAO reveal before operator 1 is back."""

    async def scenario(play: Play) -> None:
        for me in (TWO, THREE):
            play.start(me)
        await play.committee.until_slot(FIRST_SLOT, 1.0)
        node = play.node(ONE)
        seat = node.seat
        node.seat = replace(seat, shares={}, registered=seat.validators)
        for message in play.committee.kept:
            node.deliver(message)
        assert Reason.DUTY_VALIDATOR_PUBKEY not in node.dropped
        node.seat = seat
        node.resume()
        play.committee.start(ONE, node)
        await play.until_over()
        proposals = [each for each in play.records(RunnerRole.PROPOSER, ONE) if each.slot == FIRST_SLOT]
        assert [each.outcomes[0].missed for each in proposals] == [None]
        assert FIRST_SLOT in {slot for slot, _ in play.full.done[BeaconRole.PROPOSER]}

    on_the_chain(scenario)
