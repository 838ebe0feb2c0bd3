"""What the scheduler tells about itself: logs, metrics, readiness."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from structlog.typing import FilteringBoundLogger

from ssv_duty_scheduler.value_cache import Counts
from ssv_ethereum.beacon.errors import BeaconError
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Slot, ValidatorIndex
from ssv_runtime.endpoint_report import EndpointReport
from ssv_runtime.health import Health
from ssv_runtime.metrics import Metrics

LATE_TICK_S = 0.1


class Instruments:
    """Names of metrics and dependencies in one place."""

    def __init__(self, log: FilteringBoundLogger, metrics: Metrics, health: Health) -> None:
        self.log = log
        self.beacon = health.dependency("beacon")
        self.beacon_nodes = EndpointReport(
            "beacon", log, metrics, health.dependency("beacon nodes"), "start a beacon node or correct beacon_urls"
        )
        self.registry = health.dependency("registry")
        self.shares = health.dependency("shares")
        self.duties = health.dependency("duties")
        self._slashing = health.dependency("slashing")
        self._slashing.up()
        self._slashed_before: frozenset[BlsPublicKey] = frozenset()
        self._slashed = metrics.gauge("slashed_validators", "Own validators that the chain has slashed")
        self._fetch = metrics.histogram("fetch_seconds", "Requests to the beacon node", ["what"])
        self._failed = metrics.counter("failed_fetches", "Requests to the beacon node that failed", ["what"])
        self._lateness = metrics.histogram("tick_lateness_seconds", "How long after a slot's start it was noticed")
        self._part = metrics.histogram("round_seconds", "Parts of a round", ["part"])
        self._heads = metrics.counter("heads", "Head events")
        self._moved = metrics.counter("moved_dependent_roots", "Epochs whose duties a head event made doubtful")
        self._writes = metrics.counter("writes", "Values written to the bucket of duties")
        self._validators = metrics.gauge("validators", "Own validators", ["state"])
        self._waiting = metrics.gauge("waiting_validators", "Own validators that doppelganger protection holds")
        self._lives = metrics.counter("lived_elsewhere", "Epochs in which a validator that waits was seen at work")
        self._not_included = metrics.counter("not_included", "Attestations that were handed over and are in no block")
        self._attestations = metrics.gauge("attester_duties", "Own attester duties of the current epoch")

    @contextmanager
    def fetching(self, what: str) -> Iterator[None]:
        """Measure a request; its failure is counted and goes on."""
        begun = time.monotonic()
        try:
            yield
        except BeaconError:
            self._failed.labels(what).inc()
            raise
        finally:
            self._fetch.labels(what).observe(time.monotonic() - begun)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measure a part of a round."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._part.labels(name).observe(time.monotonic() - begun)

    def ticked(self, slot: Slot, late_s: float) -> None:
        """A slot began `late_s` ago."""
        self._lateness.observe(late_s)
        if late_s >= LATE_TICK_S:
            self.log.warning("a slot was noticed late: has this process a core?", slot=slot, late_s=round(late_s, 3))

    def head(self) -> None:
        """There is a new head."""
        self._heads.inc()

    def roots_moved(self, slot: Slot, epochs: set[Epoch]) -> None:
        """A head event made duties doubtful."""
        self._moved.inc(len(epochs))
        self.log.info("duties hang on another block now: asking again", slot=slot, epochs=sorted(epochs))

    # doppelganger protection
    def waits(self, waiting: Collection[BlsPublicKey], new: Collection[BlsPublicKey] = ()) -> None:
        """Validators wait, `new` ones since now."""
        self._waiting.set(len(waiting))
        if new:
            self.log.info(
                "validators wait before they attest and propose: somebody else might sign with their keys",
                validators=len(new),
                remedy="nothing is to be done; about two epochs, less when the other operators sign",
            )

    def released(self, keys: Collection[BlsPublicKey], why: str) -> None:
        """Validators need not wait any longer."""
        if keys:
            self.log.info("validators may sign", validators=len(keys), reason=why)

    def lives(self, keys: Collection[BlsPublicKey], epoch: Epoch) -> None:
        """Validators that wait were seen at work."""
        self._lives.inc(len(keys))
        if keys:
            self.log.warning(
                "validators that wait here are at work elsewhere",
                epoch=epoch,
                validators=len(keys),
                first=min(keys),
                remedy="if their other operators are at work, nothing; else find who signs with their keys and stop it",
            )

    def slashed(self, keys: frozenset[BlsPublicKey], stopped: int) -> None:
        """The chain has slashed these own validators, and `stopped` ones have no duties because of that."""
        self._slashed.set(len(keys))
        remedy = (
            "find out how it came to that before anything is started again: look for a second copy of the keys, "
            "compare `ssvctl slashing export` with the chain; then remove the validator or set on_slashing"
        )
        if keys - self._slashed_before:
            self.log.error(
                "validators were slashed", validators=sorted(key.hex() for key in keys), stopped=stopped, remedy=remedy
            )
        self._slashed_before = keys
        if stopped:
            self._slashing.down(f"{len(keys)} validators were slashed, {stopped} are stopped", remedy)
        else:
            self._slashing.up()

    def not_included(self, slot: Slot, validators: Collection[ValidatorIndex]) -> None:
        """No block holds attestations that were handed over."""
        self._not_included.inc(len(validators))
        self.log.warning(
            "attestations were handed over and are in no block",
            slot=slot,
            validators=sorted(validators),
            remedy="see when they were handed over, and the beacon nodes' peers",
        )

    def published(self, epoch: Epoch, counts: Counts, writes: int) -> None:
        """The bucket holds what is known; `counts` are of `epoch`, the one of now."""
        self._writes.inc(writes)
        self._validators.labels("registered").set(counts.registered)
        self._validators.labels("with_duties").set(counts.with_duties)
        self._attestations.set(counts.attestations)
        if writes:
            self.log.info(
                "duties written",
                epoch=epoch,
                values=writes,
                committees=counts.committees,
                validators=counts.with_duties,
                attestations=counts.attestations,
            )
