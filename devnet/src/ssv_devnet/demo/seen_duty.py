"""How one operator saw one duty, as it says on its own bus."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import nats
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg

from ssv_api.v1.exporter_pb2 import DutyOutcome, DutyRecord
from ssv_devnet.demo.duty_kind import KIND_OF, DutyKind
from ssv_devnet.local_network.operators import LocalOperator
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import OperatorId, Round, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole, RunnerRole
from ssv_runtime.names import EXPORTER
from ssv_runtime.nats_permissions import DECIDED, inbox_prefix
from ssvctl.operator_certificates import CertificateFolder

_RECONNECT_S = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one validator's part; `participants` are the operators seen at work on it."""

    kind: DutyKind
    validator_index: ValidatorIndex
    submitted: bool
    missed: MissedReason | None = None
    participants: frozenset[OperatorId] = frozenset()


@dataclass(frozen=True, slots=True)
class SeenDuty:
    """One duty of one operator. Without outcomes when nothing was due, as for who is not selected to aggregate.

    Times are milliseconds by stage and by leg.
    """

    slot: Slot
    role: RunnerRole
    outcomes: tuple[Outcome, ...]
    last_round: Round
    decided: bool
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    legs_ms: Mapping[str, float] = field(default_factory=dict)


OnDuty = Callable[[OperatorId, SeenDuty], None]


def read_record(encoded: bytes) -> tuple[OperatorId, SeenDuty]:
    """Decode a record; raises ValueError when it is none."""
    try:
        record = DutyRecord.FromString(encoded)
    except DecodeError as error:
        raise ValueError(f"no duty record: {error}") from None
    return OperatorId(record.operator_id), SeenDuty(
        slot=Slot(record.slot),
        role=RunnerRole(record.role),
        outcomes=tuple(map(_outcome, record.outcomes)),
        last_round=Round(record.last_round),
        decided=bool(record.decided),
        stages_ms=dict(record.stages_ms),
        legs_ms=dict(record.legs_ms_p50),
    )


def is_correction(encoded: bytes) -> bool:
    """Tell whether a record is not an operator's own word; the observer looks into the blocks itself."""
    try:
        return DutyRecord.FromString(encoded).correction
    except DecodeError:
        return False


def _outcome(outcome: DutyOutcome) -> Outcome:
    return Outcome(
        KIND_OF[BeaconRole(outcome.duty_type)],
        ValidatorIndex(outcome.validator_index),
        outcome.submitted,
        MissedReason(outcome.missed_reason) if outcome.missed_reason else None,
        frozenset(OperatorId(operator_id) for operator_id in outcome.participants),
    )


@asynccontextmanager
async def listening(operator: LocalOperator, on_duty: OnDuty) -> AsyncGenerator[None, None]:
    """Tell `on_duty` every record that the operator publishes inside the block."""

    async def take(message: Msg) -> None:
        if not is_correction(message.data):
            on_duty(*read_record(message.data))

    async def ignore(_: Exception) -> None:
        """The operator's own logs tell of its bus."""

    password_file = CertificateFolder(operator.folder.certificates).nats_password(EXPORTER)
    assert password_file is not None
    client = await nats.connect(
        f"nats://127.0.0.1:{operator.ports.nats}",
        user=EXPORTER,
        password=password_file.read_text().strip(),
        inbox_prefix=inbox_prefix(EXPORTER).encode(),
        max_reconnect_attempts=-1,
        reconnect_time_wait=_RECONNECT_S,
        error_cb=ignore,
    )
    try:
        await client.subscribe(f"{DECIDED}.>", cb=take)
        yield
    finally:
        await client.close()
