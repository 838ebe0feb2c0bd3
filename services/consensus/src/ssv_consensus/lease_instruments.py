"""What a worker tells about its leases: logs, metrics, readiness."""

from __future__ import annotations

from collections.abc import Collection

from structlog.typing import FilteringBoundLogger

from ssv_ethereum.slot_clock import SlotClock
from ssv_protocol.signing.leases import Lease
from ssv_protocol.types.ids import CommitteeId, Slot
from ssv_runtime.health import Health
from ssv_runtime.metrics import Metrics

_DEPENDENCY = "leases"
_SHOWN, _SHORT_DIGITS = 5, 8


class LeaseInstruments:
    """The dependency `leases` is there while something is wrong with them."""

    def __init__(self, log: FilteringBoundLogger, metrics: Metrics, health: Health) -> None:
        self._log = log
        self._health = health
        self._held = metrics.gauge("leases", "Committees for which this worker may ask for signatures")
        self._lost = metrics.counter("leases_lost", "Committees that another worker took")
        self._failing = False

    def taken(self, committee: CommitteeId, lease: Lease, quiet_until: Slot, clock: SlotClock) -> None:
        """The worker holds a committee."""
        self._log.info("holding the committee's lease", committee=committee, fence=lease.fence)
        if quiet_until > clock.slot():
            self._log.warning(
                "the signer could not tell whether its database is the latest; the committee waits",
                committee=committee,
                signs_from_epoch=clock.chain.epoch_of(quiet_until),
            )

    def lost(self, committee: CommitteeId, why: str, lost: Collection[CommitteeId]) -> None:
        """Another worker took a committee."""
        self._lost.inc()
        self._log.warning(
            "another worker took the committee; this one signs for it no more",
            committee=committee,
            why=why,
            remedy="if one worker is meant to hold all committees, end the other",
        )
        self._show(lost)

    def holding(self, held: int, lost: Collection[CommitteeId]) -> None:
        """Leases came or went."""
        self._held.set(held)
        if not self._failing:
            self._show(lost)

    def not_released(self, committee: CommitteeId, reason: str) -> None:
        """The signer was not told that a committee is let go, which only makes it say the wrong name."""
        self._log.info("the signer could not be told that a committee is let go", committee=committee, reason=reason)

    def signer_failed(self, reason: str) -> None:
        """Leases could not be claimed or renewed."""
        self._failing = True
        self._health.dependency(_DEPENDENCY).down(reason, "see the signer and who may call it")

    def signer_answers(self) -> None:
        """Leases can be claimed and renewed."""
        if self._failing:
            self._failing = False
            self._health.forget(_DEPENDENCY)

    def _show(self, lost: Collection[CommitteeId]) -> None:
        if not lost:
            self._health.forget(_DEPENDENCY)
            return
        named = ", ".join(committee.hex()[:_SHORT_DIGITS] for committee in sorted(lost)[:_SHOWN])
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        self._health.dependency(_DEPENDENCY).down(f"another worker holds the committees {named}{more}")
