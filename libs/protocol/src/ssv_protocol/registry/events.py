"""The eight contract events that change the registry, as values.

Fields are those of the contract's ABI without what the network has no use for: fees and the cluster's
accounting, which the contract itself checks.

Source: ssvlabs/ssv-network contracts/interfaces (ISSVOperators, ISSVClusters, ISSVNetworkCore).
"""

from dataclasses import dataclass

from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId


@dataclass(frozen=True, slots=True)
class OperatorAdded:
    """`public_key` is the unpacked payload, see `operator_key.py`."""

    operator_id: OperatorId
    owner: ExecutionAddress
    public_key: bytes


@dataclass(frozen=True, slots=True)
class OperatorRemoved:
    """An operator left for good; its id is never used again."""

    operator_id: OperatorId


@dataclass(frozen=True, slots=True)
class ValidatorAdded:
    """`shares` are the bytes of `crypto.shares`, in the order of `operator_ids`."""

    owner: ExecutionAddress
    operator_ids: tuple[OperatorId, ...]
    public_key: BlsPublicKey
    shares: bytes


@dataclass(frozen=True, slots=True)
class ValidatorRemoved:
    """The owner took the validator back."""

    owner: ExecutionAddress
    operator_ids: tuple[OperatorId, ...]
    public_key: BlsPublicKey


@dataclass(frozen=True, slots=True)
class ClusterLiquidated:
    """The cluster ran out of funds: its validators stop."""

    owner: ExecutionAddress
    operator_ids: tuple[OperatorId, ...]


@dataclass(frozen=True, slots=True)
class ClusterReactivated:
    """The cluster has funds again: its validators go on."""

    owner: ExecutionAddress
    operator_ids: tuple[OperatorId, ...]


@dataclass(frozen=True, slots=True)
class FeeRecipientAddressUpdated:
    """The owner names who gets the execution fees of all its validators."""

    owner: ExecutionAddress
    recipient: ExecutionAddress


@dataclass(frozen=True, slots=True)
class ValidatorExited:
    """The owner asks the committee to sign a voluntary exit."""

    owner: ExecutionAddress
    operator_ids: tuple[OperatorId, ...]
    public_key: BlsPublicKey


Event = (
    OperatorAdded
    | OperatorRemoved
    | ValidatorAdded
    | ValidatorRemoved
    | ClusterLiquidated
    | ClusterReactivated
    | FeeRecipientAddressUpdated
    | ValidatorExited
)
