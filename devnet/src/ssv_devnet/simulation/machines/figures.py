"""What happened in some campaigns, in numbers for a human."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from ssv_devnet.simulation.machines.campaign import CampaignResult
from ssv_devnet.simulation.machines.promises import promised_slots
from ssv_protocol.types.message_id import message_role
from ssv_protocol.types.roles import RunnerRole


def figures(results: Sequence[CampaignResult]) -> str:
    """Return slots, letters, decisions by role, the rounds in which they came, and what the traitors did."""
    slots = sum(len(result.slots) for result in results)
    promised = sum(len(promised_slots(result)) for result in results)
    letters, lost = sum(result.letters for result in results), sum(result.lost for result in results)
    duties = sum(len(result.schedule.duties(slot)) for result in results for slot in result.slots)
    decided = Counter(RunnerRole(message_role(key[0])).name for result in results for key in result.book.decided)
    rounds = Counter(int(round_) for result in results for round_ in result.book.rounds.values())
    used = sum((result.cabal.used for result in results), Counter[str]())
    named = sum(len(slots) for result in results for slots in result.book.named.values())
    return "\n".join(
        (
            f"committees of {sorted({result.campaign.size for result in results})}, {slots} slots, {promised} promised",
            f"{letters} letters, {lost} of them lost",
            f"{duties} duties, {decided.total()} decided: {dict(sorted(decided.items()))}",
            f"rounds of the honest: {dict(sorted(rounds.items()))}",
            f"strategies: {dict(sorted(used.items()))}; senders of bad shares named in {named} slots",
        )
    )


def fingerprint(result: CampaignResult) -> str:
    """Return a digest that two runs share only if everything that honest operators said is the same."""
    digest = sha256()
    for operator_id, messages in sorted(result.book.messages.items()):
        for message in messages:
            digest.update(operator_id.to_bytes(8, "little") + message.encode())
    return digest.hexdigest()
