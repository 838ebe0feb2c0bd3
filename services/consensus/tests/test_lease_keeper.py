"""Claiming, renewing, losing and taking again, on the real rules and on fake time."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from libs.protocol.tests.signing.world import CHAIN, COMMITTEE, SLOTS_PER_EPOCH
from services.consensus.tests.fake_time import now, run
from services.consensus.tests.leasing_signer import OTHER, LeasingSigner

from ssv_consensus.lease_instruments import LeaseInstruments
from ssv_consensus.lease_keeper import CLAIM_S, LONGEST_CLAIM_S, LeaseKeeper
from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.signing.leases import NOBODY, Lease
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_runtime.logs import make_logger
from ssv_runtime.service import Service

SLOT_S = CHAIN.slot_duration_s


@dataclass
class Scene:
    signer: LeasingSigner
    keeper: LeaseKeeper
    service: Service
    output: io.StringIO

    async def lease(self, committee: CommitteeId = COMMITTEE) -> Lease:
        lease = await self.keeper.ready(committee)
        assert isinstance(lease, Lease)
        return lease

    def sample(self, name: str) -> float | None:
        return self.service.metrics.registry.get_sample_value(f"ssv_consensus_{name}")


def with_keeper(scenario: Callable[[Scene], Awaitable[None]]) -> None:
    async def run_it() -> None:
        output, signer = io.StringIO(), LeasingSigner()
        async with Service("consensus", log=make_logger("consensus", "debug", file=output)) as service:
            instruments = LeaseInstruments(service.log, service.metrics, service.health)
            keeper = LeaseKeeper(signer, "worker", SlotClock(CHAIN, now), instruments)
            running = asyncio.create_task(keeper.run())
            await asyncio.sleep(SLOT_S / 2)  # in mid-slot, so that it is clear what comes with the next one
            try:
                await scenario(Scene(signer, keeper, service, output))
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    run(run_it)


def test_committees_that_are_wanted_at_once_share_a_claim_and_are_claimed_once() -> None:
    async def scenario(scene: Scene) -> None:
        first, _, again = await asyncio.gather(*(scene.keeper.want(each) for each in (COMMITTEE, OTHER, COMMITTEE)))
        assert first == again == await scene.lease()
        assert scene.signer.claims == [[COMMITTEE, OTHER]]
        assert scene.sample("leases") == 2

    with_keeper(scenario)


def test_a_signer_that_is_away_is_asked_until_it_answers() -> None:
    async def scenario(scene: Scene) -> None:
        scene.signer.away = True
        waiting = asyncio.create_task(scene.keeper.want(COMMITTEE))
        await asyncio.sleep(60)
        assert not waiting.done()
        assert "leases" in scene.service.health.problems()
        scene.signer.away = False
        assert isinstance(await waiting, Lease)
        assert "leases" not in scene.service.health.problems()

    with_keeper(scenario)


def test_a_committee_of_which_the_signer_has_no_share_yet_is_asked_for_again() -> None:
    async def scenario(scene: Scene) -> None:
        scene.signer.holds.clear()
        refused = await scene.keeper.want(COMMITTEE)
        assert isinstance(refused, Denied)
        assert refused.reason is DenialReason.UNKNOWN_COMMITTEE
        scene.signer.holds.add(COMMITTEE)
        assert isinstance(await scene.keeper.ready(COMMITTEE), Lease)

    with_keeper(scenario)


def test_leases_are_renewed_each_slot_and_only_rise() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.keeper.want(COMMITTEE)
        first = await scene.lease()
        await asyncio.sleep(3 * SLOT_S)
        later = await scene.lease()
        assert scene.signer.renewals == 3
        assert later == replace(first, slot=Slot(first.slot + 3))
        scene.keeper.told(COMMITTEE, replace(later, seq=later.seq + 5))
        scene.keeper.told(COMMITTEE, replace(later, seq=later.seq + 2))  # an answer that was overtaken
        scene.keeper.told(COMMITTEE, replace(later, seq=later.seq + 9, lineage=b"another lineage."))
        assert (await scene.lease()).seq == later.seq + 5

    with_keeper(scenario)


def test_who_lost_a_committee_says_so_and_does_not_fight_back_for_an_epoch() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.keeper.want(COMMITTEE)
        scene.signer.takes("successor")
        await asyncio.sleep(SLOT_S)
        refused = await scene.keeper.ready(COMMITTEE)
        assert isinstance(refused, Denied)
        assert refused.reason is DenialReason.STALE_FENCE
        assert "another worker took the committee" in scene.output.getvalue()
        assert COMMITTEE.hex()[:8] in scene.service.health.problems()["leases"]
        assert scene.sample("leases_lost_total") == 1
        await asyncio.sleep((SLOTS_PER_EPOCH - 2) * SLOT_S)
        assert scene.signer.records[COMMITTEE].holder == "successor"
        await asyncio.sleep(3 * SLOT_S)
        assert scene.signer.records[COMMITTEE].holder == "worker"
        assert isinstance(await scene.lease(), Lease)
        assert "leases" not in scene.service.health.problems()

    with_keeper(scenario)


def test_who_is_told_takes_a_lost_committee_at_once() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.keeper.want(COMMITTEE)
        scene.signer.takes("successor")
        used = await scene.lease()
        assert not scene.keeper.refused(COMMITTEE, used, Denied(DenialReason.STALE_FENCE))
        assert isinstance(await scene.keeper.ready(COMMITTEE), Denied)
        assert isinstance(await scene.keeper.want(COMMITTEE), Lease)
        assert scene.signer.records[COMMITTEE].holder == "worker"

    with_keeper(scenario)


def test_after_a_restart_of_the_signer_the_holder_proves_its_record() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.keeper.want(COMMITTEE)
        scene.signer.seen.clear()
        scene.signer.records[COMMITTEE] = replace(scene.signer.records[COMMITTEE], believed=False)
        before = await scene.lease()
        await asyncio.sleep(SLOT_S)
        assert replace(await scene.lease(), slot=before.slot) == before
        assert len(scene.signer.claims) == 1

    with_keeper(scenario)


def test_a_record_that_lost_writes_is_claimed_again_with_what_is_known_of_it() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.keeper.want(COMMITTEE)
        known = await scene.lease()
        scene.keeper.told(COMMITTEE, replace(known, seq=known.seq + 1))
        scene.signer.seen.clear()  # the signer alone would not notice
        await asyncio.sleep(SLOT_S)
        anew = await scene.lease()
        assert anew.lineage != known.lineage
        assert len(scene.signer.claims) == 2
        assert "could not tell whether its database is the latest" in scene.output.getvalue()

    with_keeper(scenario)


def test_what_is_let_go_is_nobodys_and_vouched_for_no_more() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.keeper.want(COMMITTEE)
        await scene.keeper.let_go(COMMITTEE)
        assert scene.signer.records[COMMITTEE].holder == NOBODY
        assert scene.sample("leases") == 0
        await asyncio.sleep(2 * SLOT_S)
        assert scene.signer.renewals == 0
        scene.signer.records[COMMITTEE] = replace(scene.signer.records[COMMITTEE], believed=False)
        lineage = scene.signer.records[COMMITTEE].lineage
        assert (await scene.lease()).lineage != lineage

    with_keeper(scenario)


def test_a_signer_that_is_away_keeps_nobody_from_letting_go() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.keeper.want(COMMITTEE)
        scene.signer.away = True
        await scene.keeper.let_go(COMMITTEE)
        assert "could not be told" in scene.output.getvalue()

    with_keeper(scenario)


def test_a_claim_that_a_hung_signer_carries_out_late_takes_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        scene.signer.takes("predecessor")
        scene.signer.hangs = True
        waiting = asyncio.create_task(scene.keeper.want(COMMITTEE))
        await asyncio.sleep(2 * CLAIM_S)
        assert not waiting.done()
        scene.signer.hangs = False  # as another replica, which does not
        lease = await waiting
        assert isinstance(lease, Lease)
        await scene.signer.wakes()
        assert scene.signer.records[COMMITTEE].fence == lease.fence
        assert scene.signer.judge(COMMITTEE, lease) is None

    with_keeper(scenario)


def test_a_claim_that_was_carried_out_and_not_answered_is_made_again() -> None:
    async def scenario(scene: Scene) -> None:
        scene.signer.takes("predecessor")
        scene.signer.hangs = True
        waiting = asyncio.create_task(scene.keeper.want(COMMITTEE))
        await asyncio.sleep(CLAIM_S / 2)
        await scene.signer.wakes()  # its answer is lost
        lease = await waiting
        assert isinstance(lease, Lease)
        assert scene.signer.judge(COMMITTEE, lease) is None

    with_keeper(scenario)


def test_calls_to_a_signer_that_needs_long_get_more_time() -> None:
    async def scenario(scene: Scene) -> None:
        scene.signer.hangs = True
        waiting = asyncio.create_task(scene.keeper.want(COMMITTEE))
        await asyncio.sleep(60)
        scene.signer.hangs = False
        await waiting
        assert len(scene.signer.late) < 60 / LONGEST_CLAIM_S + 4
        assert "leases" not in scene.service.health.problems()

    with_keeper(scenario)
