"""What the listener tells about itself: logs, metrics, readiness."""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from ssv_eth1_listener.store import StoreError
from ssv_ethereum.registry_blocks import BlockUpdate, ChainReorganised
from ssv_protocol.registry.apply import AppliedBlock
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import OperatorId
from ssv_runtime.health import Health
from ssv_runtime.metrics import Metrics


class Instruments:
    """Names of metrics and dependencies in one place."""

    def __init__(self, log: FilteringBoundLogger, metrics: Metrics, health: Health) -> None:
        self._log = log
        self._block = metrics.gauge("block_number", "Last block of the registry")
        self._lag = metrics.gauge("lag_blocks", "Blocks of the chain that are newer than the registry")
        self._validators = metrics.gauge("validators", "Validators in the registry")
        self._changes = metrics.counter("events", "Contract events that changed the registry", ["event"])
        self._skipped = metrics.counter("skipped_events", "Contract events that do not count", ["reason"])
        self._reorganisations = metrics.counter("reorganisations", "Times the registry was thrown away and read again")
        self._shares = metrics.gauge("shares", "Own key shares", ["state"])
        self._execution = health.dependency("execution")
        self._registry = health.dependency("registry")
        self._shares_match = health.dependency("shares")
        self._registry.down("not caught up with the chain yet")

    # chain
    def execution_state(self, problem: str | None) -> None:
        """Take what the execution client reports."""
        if problem is None:
            self._execution.up()
        else:
            self._execution.down(problem, "check that it runs, is synced, and execution_url")

    def wrong_chain(self, error: StoreError) -> None:
        """The execution node is of another chain; it answers, so it is the registry that is missing."""
        self._registry.down(str(error))

    def reorganised(self, error: ChainReorganised) -> None:
        """The registry is read again."""
        self._reorganisations.inc()
        self._log.error(f"{error}. It is being built again; watchers keep the old one until then")
        self._registry.down("being built again after a reorganisation")

    def applied(self, update: BlockUpdate, applied: AppliedBlock, caught_up: bool) -> None:
        """A block became part of the registry."""
        self._block.set(update.block_number)
        self._lag.set(update.blocks_behind)
        self._validators.set(len(applied.state.validators))
        for change in applied.changes:
            event = type(change).__name__
            self._changes.labels(event).inc()
            tell = self._log.info if caught_up else self._log.debug  # history is long
            tell("registry changed", change=event, block=update.block_number)
        for skip in applied.skipped:
            self._skipped.labels(skip.reason).inc()
            self._log.warning(
                "event skipped",
                reason=str(skip.reason),
                detail=skip.detail,
                block=update.block_number,
                log_index=skip.log.log_index,
            )
        if caught_up:
            self.caught_up(applied.state)

    def caught_up(self, state: RegistryState) -> None:
        """The registry is the chain's."""
        if self._registry.is_up:
            return
        self._log.info(
            "registry has caught up with the chain",
            block=state.block_number,
            operators=len(state.operators),
            validators=len(state.validators),
        )
        self._registry.up()

    # signer
    def shares_are_equal(self) -> None:
        """The signer holds what the registry says, but for what it refuses."""
        self._shares_match.up()

    def shares_differ(self, problem: str) -> None:
        """The signer cannot be asked, or cannot do what it is asked."""
        self._shares_match.down(problem, "see the signer's log and its permissions")

    def own_operator(self, operator_id: OperatorId | None) -> None:
        """Who the operator is."""
        if operator_id is None:
            self._log.warning("the signer's key is not registered: register the operator with this key")
        else:
            self._log.info("own operator", operator_id=operator_id)

    def share_added(self, validator: bytes, may_sign_from_epoch: int) -> None:
        """The signer holds one more share."""
        self._log.info("share added", validator=validator, may_sign_from_epoch=may_sign_from_epoch)

    def share_removed(self, validator: bytes) -> None:
        """The signer let go of a share."""
        self._log.info("share removed", validator=validator)

    def share_refused(self, validator: bytes, reason: str) -> None:
        """The signer will not take a share, now or later."""
        self._log.error(
            "the signer refuses a share: the validator runs without this operator until it is registered anew",
            validator=validator,
            reason=reason,
        )

    def shares(self, held: int, refused: int) -> None:
        """How many shares there are."""
        self._shares.labels("held").set(held)
        self._shares.labels("refused").set(refused)
