"""Asking a beacon node until it answers: not before the answer is good, and not longer than it is worth.

What the node cannot say it may say a moment later; when the time is over the machine is told so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ssv_consensus.ports import BeaconApi
from ssv_protocol.effects import Event, Fetch, FetchAttestationData, FetchBlock, FetchContributions, FetchFailed
from ssv_protocol.fetches import AT_ONCE
from ssv_protocol.types.ids import Instant

FETCH_RETRY_S = 0.2


def is_needed(question: Fetch) -> bool:
    """Tell whether nothing comes of a duty without the answer: others' aggregates, however, must not wait for one."""
    return isinstance(question, FetchAttestationData | FetchBlock)


def good_from(question: Fetch) -> Instant:
    """Return when the answer begins to be good."""
    if isinstance(question, FetchAttestationData):
        return AT_ONCE
    if isinstance(question, FetchContributions):
        return max((each.not_before for each in question.contributions), default=AT_ONCE)
    return question.not_before


async def fetched(
    beacon: BeaconApi, question: Fetch, now: Callable[[], Instant], deadline: Instant, patience_s: float
) -> Event:
    """Return the answer, or `FetchFailed` when there is none in time.

    `patience_s` is the length of a quick round: a question that the duty can do without is given up so long after it
    was first asked, any other so long before `deadline`.
    """
    await asyncio.sleep(max(0.0, good_from(question) - now()))
    left_s = deadline - patience_s - now()
    if not is_needed(question):
        left_s = min(left_s, patience_s)
    if left_s <= 0:
        return FetchFailed(question, "too late to ask")
    problem = "no answer in time"
    try:
        async with asyncio.timeout(left_s):
            while True:
                try:
                    return await beacon.answer(question)
                except Exception as error:  # the client has told the human
                    problem = str(error) or type(error).__name__
                    await asyncio.sleep(FETCH_RETRY_S)
    except TimeoutError:
        return FetchFailed(question, problem)
