"""Duty records out of the bus: what became of each validator's part of each duty.

A correction (what blocks showed later) takes the place of the worker's own word, whichever is read first, so every duty
has one outcome.

Source: proto/ssv/v1/exporter.proto.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats
import nats.errors
import nats.js.errors
from google.protobuf.message import DecodeError

from ssv_api.v1.exporter_pb2 import DutyRecord
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import OperatorId, Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole
from ssv_runtime.names import EXPORTER
from ssv_runtime.nats_permissions import DECIDED, DECIDED_STREAM, inbox_prefix
from ssvctl.embedded.folder import OperatorFolder
from ssvctl.errors import SsvctlError
from ssvctl.files import read_text
from ssvctl.operator_certificates import CertificateFolder

_DEADLINE_S = 5.0


@dataclass(frozen=True, slots=True, order=True)
class DutyOutcome:
    """One validator's part of one duty; `missed` is the reason's code, empty when it was submitted."""

    slot: Slot
    validator_index: ValidatorIndex
    duty: BeaconRole
    missed: str = ""
    missing_operators: tuple[OperatorId, ...] = ()

    @property
    def explanation(self) -> str:
        """The reason in a sentence; a code that this version does not know explains nothing."""
        return MissedReason(self.missed).explanation if self.missed in set(MissedReason) else ""


@dataclass(frozen=True, slots=True)
class BusPlace:
    """Where the bus of an operator listens, and who may read its duty records; the network file tells its epochs."""

    url: str
    password_file: Path
    network_file: Path


def find_bus(folder: Path) -> BusPlace:
    """Return the bus of the operator that runs in `folder`. Raises SsvctlError."""
    place = OperatorFolder.at(folder)
    password_file = CertificateFolder(place.certificates).nats_password(EXPORTER)
    if not place.service_settings.exists() or password_file is None:
        raise SsvctlError(f"nobody runs {folder}; start it with `ssvctl up --dir {folder}`")
    try:
        settings: dict[str, Any] = tomllib.loads(read_text(place.service_settings, "settings"))
        return BusPlace(settings["nats_url"], password_file, Path(settings["network_file"]))
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        raise SsvctlError(f"{place.service_settings} is damaged; stop the operator and start it again") from None


async def read_records(url: str, password: str) -> list[DutyRecord]:
    """Return all duty records that the bus keeps, in the order in which they came. Raises SsvctlError."""
    try:
        client = await nats.connect(
            url,
            user=EXPORTER,
            password=password,
            inbox_prefix=inbox_prefix(EXPORTER).encode(),
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=_DEADLINE_S,
            error_cb=_ignored,
        )
    except (TimeoutError, OSError, nats.errors.Error) as error:
        raise SsvctlError(f"the bus at {url} can't be reached ({error}); is the operator running?") from None
    try:
        stream = client.jetstream(timeout=_DEADLINE_S)
        last = (await stream.stream_info(DECIDED_STREAM)).state.last_seq
        records: list[DutyRecord] = []
        if last == 0:
            return records
        messages = await stream.subscribe(f"{DECIDED}.>", stream=DECIDED_STREAM, ordered_consumer=True)
        while True:
            message = await messages.next_msg(timeout=_DEADLINE_S)
            with suppress(DecodeError):
                records.append(DutyRecord.FromString(message.data))
            if message.metadata.sequence.stream >= last:
                return records
    except nats.js.errors.NotFoundError:
        return []  # nothing was ever recorded
    except (TimeoutError, nats.errors.Error) as error:
        raise SsvctlError(f"the bus at {url} did not give its duty records: {error}") from None
    finally:
        await client.close()


def outcomes_of(records: Iterable[DutyRecord], since: Slot) -> list[DutyOutcome]:
    """Return every validator's outcomes from slot `since` on, in their order."""
    found: dict[tuple[int, int, int], tuple[bool, DutyOutcome]] = {}
    for record in records:
        for each in record.outcomes if record.slot >= since else ():
            place = record.slot, each.validator_index, each.duty_type
            if place in found and found[place][0] and not record.correction:
                continue
            outcome = DutyOutcome(
                Slot(record.slot),
                ValidatorIndex(each.validator_index),
                BeaconRole(each.duty_type),
                each.missed_reason,
                tuple(OperatorId(number) for number in each.missing_operators),
            )
            found[place] = record.correction, outcome
    return sorted(outcome for _, outcome in found.values())


async def _ignored(_: Exception) -> None:
    """What goes wrong is raised where it was asked for."""
