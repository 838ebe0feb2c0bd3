"""Contract logs to events, strictly.

A log is an `Event`, an `Ignored` (an event of the contract that the network does not act upon) or `Malformed`.
Decoding never raises. Whether the log comes from the network's contract is the caller's filter.

Source: ssvlabs/ssv-network contracts/interfaces; Solidity contract ABI specification.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

from ssv_protocol.errors import ProtocolError
from ssv_protocol.registry import events
from ssv_protocol.registry.canonical_abi import CLUSTER, decode_canonical
from ssv_protocol.registry.events import Event
from ssv_protocol.registry.log import Log
from ssv_protocol.registry.operator_key import unpack_operator_key
from ssv_protocol.registry.reasons import SkipReason
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId

_TOPIC_BYTES = 32


@dataclass(frozen=True, slots=True)
class EventAbi:
    """An event whose indexed parameters come first; `build` takes the values in the order of the signature."""

    name: str
    indexed: tuple[str, ...]
    data: tuple[str, ...]
    build: Callable[..., Event]

    @property
    def signature(self) -> str:
        """The canonical signature."""
        return f"{self.name}({','.join(self.indexed + self.data)})"


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that the network knows and does not act upon."""

    name: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A log that is no event of the contract, or a broken one."""

    reason: SkipReason
    detail: str = ""


def topic0(signature: str) -> bytes:
    """Return keccak256 of a canonical event signature."""
    return keccak(signature.encode("ascii"))


def needs_block_time(log: Log) -> bool:
    """Return whether `apply_block` may need the time of the log's block."""
    return bool(log.topics) and log.topics[0] in _DATED


def is_validator_added(log: Log) -> bool:
    """Return whether a log says that it is a ValidatorAdded; `decode_log` tells whether it is a good one."""
    return bool(log.topics) and log.topics[0] == _VALIDATOR_ADDED


def decode_log(log: Log) -> Event | Ignored | Malformed:
    """Say what a log is."""
    if not log.topics:
        return Malformed(SkipReason.UNKNOWN_EVENT, "no topics")
    ignored = _IGNORED.get(log.topics[0])
    if ignored is not None:
        return Ignored(ignored)
    abi = _HANDLED.get(log.topics[0])
    if abi is None:
        return Malformed(SkipReason.UNKNOWN_EVENT, f"topic 0x{log.topics[0].hex()}")
    try:
        values = (*_decode_topics(abi, log.topics[1:]), *_decode(abi.data, log.data))
    except (DecodingError, ValueError, OverflowError) as error:
        return Malformed(SkipReason.MALFORMED_LOG, f"{abi.name}: {type(error).__name__}")
    try:
        return abi.build(*values)
    except ProtocolError as error:
        return Malformed(SkipReason.OPERATOR_KEY_ENCODING, error.detail)


def _decode_topics(abi: EventAbi, topics: tuple[bytes, ...]) -> Sequence[Any]:
    if len(topics) != len(abi.indexed) or any(len(topic) != _TOPIC_BYTES for topic in topics):
        raise ValueError("topics do not fit the event")
    return _decode(abi.indexed, b"".join(topics))


def _decode(kinds: tuple[str, ...], data: bytes) -> Sequence[Any]:
    values = decode_canonical(kinds, data)
    return decode(kinds, data) if values is None else values


def _address(value: str | bytes) -> ExecutionAddress:
    return ExecutionAddress(value if isinstance(value, bytes) else bytes.fromhex(value.removeprefix("0x")))


def _operators(ids: tuple[int, ...]) -> tuple[OperatorId, ...]:
    return tuple(OperatorId(operator_id) for operator_id in ids)


def _operator_added(operator_id: int, owner: str, public_key: bytes, _fee: int) -> Event:
    return events.OperatorAdded(OperatorId(operator_id), _address(owner), unpack_operator_key(public_key))


def _operator_removed(operator_id: int) -> Event:
    return events.OperatorRemoved(OperatorId(operator_id))


def _validator_added(owner: str, ids: tuple[int, ...], key: bytes, shares: bytes, _cluster: object) -> Event:
    return events.ValidatorAdded(_address(owner), _operators(ids), BlsPublicKey(key), shares)


def _validator_removed(owner: str, ids: tuple[int, ...], key: bytes, _cluster: object) -> Event:
    return events.ValidatorRemoved(_address(owner), _operators(ids), BlsPublicKey(key))


def _cluster_liquidated(owner: str, ids: tuple[int, ...], _cluster: object) -> Event:
    return events.ClusterLiquidated(_address(owner), _operators(ids))


def _cluster_reactivated(owner: str, ids: tuple[int, ...], _cluster: object) -> Event:
    return events.ClusterReactivated(_address(owner), _operators(ids))


def _fee_recipient_updated(owner: str, recipient: str) -> Event:
    return events.FeeRecipientAddressUpdated(_address(owner), _address(recipient))


def _validator_exited(owner: str, ids: tuple[int, ...], key: bytes) -> Event:
    return events.ValidatorExited(_address(owner), _operators(ids), BlsPublicKey(key))


HANDLED_EVENTS = (
    EventAbi("OperatorAdded", ("uint64", "address"), ("bytes", "uint256"), _operator_added),
    EventAbi("OperatorRemoved", ("uint64",), (), _operator_removed),
    EventAbi("ValidatorAdded", ("address",), ("uint64[]", "bytes", "bytes", CLUSTER), _validator_added),
    EventAbi("ValidatorRemoved", ("address",), ("uint64[]", "bytes", CLUSTER), _validator_removed),
    EventAbi("ClusterLiquidated", ("address",), ("uint64[]", CLUSTER), _cluster_liquidated),
    EventAbi("ClusterReactivated", ("address",), ("uint64[]", CLUSTER), _cluster_reactivated),
    EventAbi("FeeRecipientAddressUpdated", ("address",), ("address",), _fee_recipient_updated),
    EventAbi("ValidatorExited", ("address",), ("uint64[]", "bytes"), _validator_exited),
)

IGNORED_EVENTS = (
    f"ClusterDeposited(address,uint64[],uint256,{CLUSTER})",
    f"ClusterWithdrawn(address,uint64[],uint256,{CLUSTER})",
    "OperatorWhitelistUpdated(uint64,address)",
    "OperatorFeeDeclared(address,uint64,uint256,uint256)",
    "OperatorFeeDeclarationCancelled(address,uint64)",
    "OperatorFeeExecuted(address,uint64,uint256,uint256)",
    "OperatorWithdrawn(address,uint64,uint256)",
    "OperatorMaximumFeeUpdated(uint64)",
    "OperatorFeeIncreaseLimitUpdated(uint64)",
    "OperatorPrivacyStatusUpdated(uint64[],bool)",
    "OperatorMultipleWhitelistUpdated(uint64[],address[])",
    "OperatorMultipleWhitelistRemoved(uint64[],address[])",
    "OperatorWhitelistingContractUpdated(uint64[],address)",
    "DeclareOperatorFeePeriodUpdated(uint64)",
    "ExecuteOperatorFeePeriodUpdated(uint64)",
    "LiquidationThresholdPeriodUpdated(uint64)",
    "MinimumLiquidationCollateralUpdated(uint256)",
    "NetworkEarningsWithdrawn(uint256,address)",
    "NetworkFeeUpdated(uint256,uint256)",
    "AdminChanged(address,address)",
    "BeaconUpgraded(address)",
    "Initialized(uint8)",
    "Upgraded(address)",
    "OwnershipTransferStarted(address,address)",
    "OwnershipTransferred(address,address)",
)

_DATED_EVENTS = ("FeeRecipientAddressUpdated", "ValidatorExited")
"""Events that give a duty its slot, by the time of their block."""

_HANDLED = {topic0(abi.signature): abi for abi in HANDLED_EVENTS}
_VALIDATOR_ADDED = next(topic for topic, abi in _HANDLED.items() if abi.name == "ValidatorAdded")
_DATED = {topic for topic, abi in _HANDLED.items() if abi.name in _DATED_EVENTS}
_IGNORED = {topic0(signature): signature.partition("(")[0] for signature in IGNORED_EVENTS}
