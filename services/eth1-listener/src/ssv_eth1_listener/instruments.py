"""What the listener tells about itself: logs, metrics, readiness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from structlog.typing import FilteringBoundLogger

from ssv_ethereum.registry_blocks import BlockUpdate
from ssv_protocol.registry.apply import AppliedBlock
from ssv_protocol.registry.state import RegistryState
from ssv_protocol.types.ids import OperatorId
from ssv_runtime.endpoint_report import EndpointReport
from ssv_runtime.health import Health
from ssv_runtime.metrics import Metrics

REMEDY = "check that it runs, is synced, and execution_urls"


class ExecutionNodes(EndpointReport):
    """What is told of the execution nodes."""

    def __init__(self, log: FilteringBoundLogger, metrics: Metrics, health: Health) -> None:
        super().__init__("execution", log, metrics, health.dependency("execution"), REMEDY)
        self._behind = metrics.gauge(
            "execution_node_lag_blocks", "Blocks that the node is behind the newest head", ["endpoint"]
        )
        self._disagrees = metrics.gauge(
            "execution_node_disagrees", "1 while the node has another block than the others", ["endpoint"]
        )

    def compared(self, endpoint: str, blocks_behind: int, *, disagrees: bool) -> None:
        """A node's head was compared with the newest one, its blocks with the others'."""
        self._behind.labels(endpoint).set(blocks_behind)
        self._disagrees.labels(endpoint).set(disagrees)


class Instruments:
    """Names of metrics and dependencies in one place."""

    def __init__(self, log: FilteringBoundLogger, metrics: Metrics, health: Health) -> None:
        self._log = log
        self._block = metrics.gauge("block_number", "Last block of the registry")
        self._lag = metrics.gauge("lag_blocks", "Blocks of the chain that are newer than the registry")
        self._validators = metrics.gauge("validators", "Validators in the registry")
        self._changes = metrics.counter("events", "Contract events that changed the registry", ["event"])
        self._skipped = metrics.counter("skipped_events", "Contract events that do not count", ["reason"])
        self._reorganisations = metrics.counter("reorganisations", "Times blocks were taken back")
        self._rebuilds = metrics.counter("rebuilds", "Times the registry was thrown away and read again")
        self._shares = metrics.gauge("shares", "Own key shares", ["state"])
        self.execution_nodes = ExecutionNodes(log, metrics, health)
        self._registry = health.dependency("registry")
        self._shares_match = health.dependency("shares")
        self._unexplained = metrics.gauge("unexplained_shares", "Shares the signer holds and the registry never saw")
        self._told = ""
        self._strays: Sequence[bytes] = ()
        self._registry.down("not caught up with the chain yet")

    # chain
    def history_missing(self, problem: str) -> None:
        """No execution node can tell the contract's history."""
        if self._registry.is_up or problem != self._told:
            self._log.error(f"the registry cannot be read: {problem}")
        self._told = problem
        self._registry.down(problem)

    def reading(self, progress: str) -> None:
        """How far the history is read."""
        self._log.info(f"reading the registry: {progress}")
        self._registry.down(f"not caught up with the chain yet: {progress}")

    def rolled_back(self, from_block: int, to_block: int) -> None:
        """Blocks were replaced on the chain and taken back here."""
        self._reorganisations.inc()
        self._log.warning("the chain was reorganised, blocks are read again", from_block=from_block, to_block=to_block)

    def rebuilds(self, from_block: int) -> None:
        """The registry is read again from the first block on."""
        self._rebuilds.inc()
        self._log.error(
            "the chain was reorganised deeper than can be taken back. The registry is being built again; watchers keep"
            " the old one until then",
            from_block=from_block,
        )
        self._registry.down("being built again after a reorganisation")

    def lag(self, blocks: int) -> None:
        """How many blocks of the chain are newer than the registry."""
        self._lag.set(blocks)

    def lags(self, problem: str) -> None:
        """The registry is not the chain's any more."""
        self._log.warning(f"the registry lags: {problem}")
        self._registry.down(problem, "check the execution nodes")

    def applied(self, done: Sequence[tuple[BlockUpdate, AppliedBlock]], caught_up: bool) -> None:
        """Blocks became part of the registry."""
        if not done:
            return
        last, state = done[-1][0], done[-1][1].state
        self._block.set(last.block_number)
        self._lag.set(max(0, last.blocks_behind))
        self._validators.set(len(state.validators))
        events: Counter[str] = Counter()
        tell = self._log.info if caught_up else self._log.debug  # history is long
        for update, applied in done:
            for change in applied.changes:
                event = type(change).__name__
                events[event] += 1
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
        for event, count in events.items():
            self._changes.labels(event).inc(count)
        if caught_up:
            self.caught_up(state)

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

    def shares_unexplained(self, validators: Sequence[bytes]) -> None:
        """The signer holds shares that are of no validator that this registry ever saw with them."""
        self._unexplained.set(len(validators))
        if validators != self._strays:
            for validator in set(validators) - set(self._strays):
                self._log.warning(
                    "the signer holds a share that the registry does not know; it is left alone. Remove it with"
                    " `ssvctl shares remove` if it is of another network or made by hand",
                    validator=validator,
                )
        self._strays = validators

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
