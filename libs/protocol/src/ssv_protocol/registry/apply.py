"""One block's logs applied to the registry.

    state' = apply_block(state, block's number, block's hash, block's logs, block's time where an event needs it)

Invariants: the state, its last block and that block's hash change together or not at all; the result depends on
nothing but the arguments, so a replay from any kept state gives the same states; an event that does not hold is
skipped with a reason and never stops the block.
Not guaranteed: that blocks belong to one chain, or that none with logs was left out between two of them; that is
for the client that reads them.

Source: ssvlabs/ssv eth/eventhandler; architecture §5.8.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, assert_never

from ssv_protocol.crypto import bls
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.registry import cluster_events, events, operator_events, validator_events
from ssv_protocol.registry.abi import Ignored, Malformed, decode_log
from ssv_protocol.registry.changes import Change
from ssv_protocol.registry.draft import Delta, Draft
from ssv_protocol.registry.events import Event
from ssv_protocol.registry.log import Log
from ssv_protocol.registry.reasons import SkipReason
from ssv_protocol.registry.skip import Skip
from ssv_protocol.registry.state import ChainMoment, RegistryState
from ssv_protocol.registry.validator_events import Verify


@dataclass(frozen=True, slots=True)
class Skipped:
    """A log that does not count, and why. `event` is None when the log could not be read as one."""

    log: Log
    event: Event | None
    reason: SkipReason
    detail: str


class AppliedBlock(NamedTuple):
    """The state after a block, what it changed and what it left out, both in the order of the logs.

    `delta` holds the records that the block wrote.
    """

    state: RegistryState
    changes: list[Change]
    skipped: list[Skipped]
    delta: Delta


def apply_block(
    state: RegistryState,
    block_number: int,
    block_hash: bytes,
    logs: Iterable[Log],
    block_time_s: int | None = None,
    verify: Verify = bls.verify,
) -> AppliedBlock:
    """Apply a block's logs, given in any order, by ascending log index. No logs: the block just passes.

    `block_time_s` is Unix time; only a block with a log of which `abi.needs_block_time` holds can need it.
    `verify` checks ownership signatures, as `bls.verify` does.

    Raises:
        ProtocolError: REGISTRY_BLOCK_ORDER when the block is not above the state's,
            REGISTRY_LOG_PLACE when a log is of another block or two have the same index,
            REGISTRY_BLOCK_TIME when an event needs the block's time and it was not given.
    """
    if block_number <= state.block_number:
        raise ProtocolError(Reason.REGISTRY_BLOCK_ORDER, f"block {block_number} after block {state.block_number}")
    ordered = _in_order(block_number, block_hash, logs)
    if not ordered:
        return AppliedBlock(replace(state, block_number=block_number, block_hash=block_hash), [], [], Delta())
    draft = Draft(state)
    changes: list[Change] = []
    skipped: list[Skipped] = []
    for log in ordered:
        decoded = decode_log(log)
        if isinstance(decoded, Ignored):
            continue
        if isinstance(decoded, Malformed):
            skipped.append(Skipped(log, None, decoded.reason, decoded.detail))
            continue
        try:
            change = _apply_event(draft, decoded, block_number, block_time_s, verify)
        except Skip as skip:
            skipped.append(Skipped(log, decoded, skip.reason, skip.detail))
            continue
        if change is not None:
            changes.append(change)
    return AppliedBlock(draft.freeze(block_number, block_hash), changes, skipped, draft.delta)


def together(blocks: Sequence[AppliedBlock]) -> AppliedBlock:
    """Return consecutive blocks as one, at least one."""
    if len(blocks) == 1:
        return blocks[0]
    delta = Delta()
    for block in blocks:
        delta = delta.then(block.delta)
    return AppliedBlock(
        blocks[-1].state,
        [change for block in blocks for change in block.changes],
        [skipped for block in blocks for skipped in block.skipped],
        delta,
    )


def _in_order(block_number: int, block_hash: bytes, logs: Iterable[Log]) -> list[Log]:
    ordered = sorted(logs, key=lambda log: log.log_index)
    for log in ordered:
        if (log.block_number, log.block_hash) != (block_number, block_hash):
            raise ProtocolError(Reason.REGISTRY_LOG_PLACE, f"log of block {log.block_number} in block {block_number}")
    if len({log.log_index for log in ordered}) != len(ordered):
        raise ProtocolError(Reason.REGISTRY_LOG_PLACE, f"block {block_number} has a log index twice")
    return ordered


def _apply_event(
    draft: Draft, event: Event, block_number: int, block_time_s: int | None, verify: Verify
) -> Change | None:
    match event:
        case events.OperatorAdded():
            return operator_events.operator_added(draft, event)
        case events.OperatorRemoved():
            return operator_events.operator_removed(draft, event)
        case events.ValidatorAdded():
            return validator_events.validator_added(draft, event, verify)
        case events.ValidatorRemoved():
            return validator_events.validator_removed(draft, event)
        case events.ValidatorExited():
            return validator_events.validator_exited(draft, event, _moment(block_number, block_time_s))
        case events.ClusterLiquidated():
            return cluster_events.cluster_liquidated(draft, event)
        case events.ClusterReactivated():
            return cluster_events.cluster_reactivated(draft, event)
        case events.FeeRecipientAddressUpdated():
            return cluster_events.fee_recipient_updated(draft, event, _moment(block_number, block_time_s))
        case _:
            assert_never(event)


def _moment(block_number: int, block_time_s: int | None) -> ChainMoment:
    if block_time_s is None:
        raise ProtocolError(Reason.REGISTRY_BLOCK_TIME, f"block {block_number}")
    return ChainMoment(block_number, block_time_s)
