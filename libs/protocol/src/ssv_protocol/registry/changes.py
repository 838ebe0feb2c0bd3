"""What a block changed, for the services that act upon it.

The names are those of the events; a change says that the event was accepted.
"""

from dataclasses import dataclass

from ssv_protocol.registry.state import OperatorRecord, ValidatorRecord
from ssv_protocol.types.ids import BlsPublicKey, ExecutionAddress, OperatorId


@dataclass(frozen=True, slots=True)
class OperatorAdded:
    """A new operator."""

    operator: OperatorRecord


@dataclass(frozen=True, slots=True)
class OperatorRemoved:
    """An operator left; its messages count no more, its committees go on without it."""

    operator_id: OperatorId


@dataclass(frozen=True, slots=True)
class ValidatorAdded:
    """A new validator."""

    validator: ValidatorRecord


@dataclass(frozen=True, slots=True)
class ValidatorRemoved:
    """A validator left; `validator` is what it was."""

    validator: ValidatorRecord


@dataclass(frozen=True, slots=True)
class ClusterLiquidated:
    """These validators stop until their cluster is reactivated."""

    cluster_id: bytes
    validators: tuple[BlsPublicKey, ...]


@dataclass(frozen=True, slots=True)
class ClusterReactivated:
    """These validators go on."""

    cluster_id: bytes
    validators: tuple[BlsPublicKey, ...]


@dataclass(frozen=True, slots=True)
class FeeRecipientChanged:
    """The owner's validators have a new fee recipient."""

    owner: ExecutionAddress
    fee_recipient: ExecutionAddress


@dataclass(frozen=True, slots=True)
class ValidatorExited:
    """The owner asks for a voluntary exit; `validator` holds when."""

    validator: ValidatorRecord


Change = (
    OperatorAdded
    | OperatorRemoved
    | ValidatorAdded
    | ValidatorRemoved
    | ClusterLiquidated
    | ClusterReactivated
    | FeeRecipientChanged
    | ValidatorExited
)
