"""A thousand slots, shared out among the committee sizes: small ones get more, because a slot costs n² messages.

Every campaign has a seed of its own, made from that of `conftest`. SSV_SIM_SLOTS asks for more slots, or fewer.
"""

from __future__ import annotations

import os
import sys

from ssv_devnet.simulation.machines.campaign import ALL_STRATEGIES, Campaign, CampaignResult
from ssv_devnet.simulation.machines.figures import figures
from ssv_devnet.simulation.machines.promises import promised_slots
from ssv_devnet.simulation.machines.stage import play
from ssv_devnet.simulation.machines.verdict import violations
from ssv_protocol.types.committee import faulty_nodes

DEFAULT_SLOTS = 1_000
SLOTS = int(os.environ.get("SSV_SIM_SLOTS", DEFAULT_SLOTS))
SLOTS_OF_A_THOUSAND = {4: 400, 7: 300, 10: 180, 13: 120}
SLOTS_OF_A_CAMPAIGN = 60
CAMPAIGNS_OF_A_SEED = 1_000


def campaigns(size: int, seed: int) -> list[Campaign]:
    """Return a size's campaigns: as many traitors as the committee bears, one fewer in every third."""
    slots = SLOTS * SLOTS_OF_A_THOUSAND[size] // DEFAULT_SLOTS
    count = -(-slots // SLOTS_OF_A_CAMPAIGN)
    return [
        Campaign(
            seed * CAMPAIGNS_OF_A_SEED + number,
            size,
            slots=slots // count + (number < slots % count),
            traitors=faulty_nodes(size) - (number % 3 == 2),
        )
        for number in range(count)
    ]


def hold_out(size: int, seed: int) -> None:
    """Play the campaigns of a size, and hold every check against them."""
    results = [_sound(campaign) for campaign in campaigns(size, seed)]
    sys.stdout.write(figures(results) + "\n")
    assert sum(len(result.slots) for result in results) == SLOTS * SLOTS_OF_A_THOUSAND[size] // DEFAULT_SLOTS
    if SLOTS < DEFAULT_SLOTS:
        return
    # it was as bad as it should be
    used = {name for result in results for name in result.cabal.used}
    assert used == {type(strategy).__name__ for strategy in ALL_STRATEGIES}
    assert all(result.lost for result in results)
    assert all(result.book.named for result in results if result.cabal.bad_shares)
    assert any(promised_slots(result) for result in results)
    assert max(round_ for result in results for round_ in result.book.rounds.values()) > 2


def _sound(campaign: Campaign) -> CampaignResult:
    try:
        result = play(campaign)
    except Exception as fault:
        fault.add_note(f"replay: {campaign.replay}")
        raise
    found = violations(result)
    assert not found, "\n".join((f"replay: {campaign.replay}", *found))
    return result
