"""How one operator saw one committee duty, as it says on its own bus."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import nats
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg

from ssv_api.v1.exporter_pb2 import DutyRecord
from ssv_devnet.local_network.operators import LocalOperator
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import OperatorId, Round, Slot, ValidatorIndex
from ssv_runtime.names import EXPORTER
from ssv_runtime.nats_permissions import DECIDED, inbox_prefix
from ssvctl.operator_certificates import CertificateFolder

_RECONNECT_S = 0.2


@dataclass(frozen=True, slots=True)
class SeenDuty:
    """One duty of one operator. `participants` is by attester; times are milliseconds by stage and by leg."""

    slot: Slot
    attesters: frozenset[ValidatorIndex]
    submitted: frozenset[ValidatorIndex]
    missed: Mapping[ValidatorIndex, MissedReason]
    participants: Mapping[ValidatorIndex, frozenset[OperatorId]]
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
    attesters = {ValidatorIndex(each.validator_index): each for each in record.outcomes}
    return OperatorId(record.operator_id), SeenDuty(
        slot=Slot(record.slot),
        attesters=frozenset(attesters),
        submitted=frozenset(index for index, each in attesters.items() if each.submitted),
        missed={index: MissedReason(each.missed_reason) for index, each in attesters.items() if each.missed_reason},
        participants={
            index: frozenset(OperatorId(operator_id) for operator_id in each.participants)
            for index, each in attesters.items()
        },
        last_round=Round(record.last_round),
        decided=bool(record.decided),
        stages_ms=dict(record.stages_ms),
        legs_ms=dict(record.legs_ms_p50),
    )


@asynccontextmanager
async def listening(operator: LocalOperator, on_duty: OnDuty) -> AsyncGenerator[None, None]:
    """Tell `on_duty` every record that the operator publishes inside the block."""

    async def take(message: Msg) -> None:
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
