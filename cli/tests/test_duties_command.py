"""`ssvctl duties` on a real nats-server with the permissions of the services."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from nats.js.api import StreamConfig
from tests.support.nats import Nats, running_nats
from tests.support.signing_world import local_chain
from typer.testing import CliRunner

from ssv_api.v1.exporter_pb2 import DutyOutcome as Outcome
from ssv_api.v1.exporter_pb2 import DutyRecord
from ssv_protocol.runners.ledger import MissedReason
from ssv_protocol.types.ids import Slot, ValidatorIndex
from ssv_protocol.types.roles import BeaconRole
from ssv_runtime.names import CONSENSUS, EXPORTER
from ssv_runtime.nats_permissions import DECIDED_STREAM, inbox_prefix
from ssv_runtime.network_file import write_network_file
from ssvctl.duty_records import outcomes_of
from ssvctl.embedded.folder import OperatorFolder
from ssvctl.main import app
from ssvctl.operator_certificates import CertificateFolder

SLOTS_PER_EPOCH = 8
ATTESTER, PROPOSER = BeaconRole.ATTESTER, BeaconRole.PROPOSER


def record(slot: int, *outcomes: Outcome, correction: bool = False) -> DutyRecord:
    return DutyRecord(operator_id=1, committee_id=b"\xab", slot=slot, outcomes=outcomes, correction=correction)


def part(index: int, missed: str = "", kind: int = ATTESTER, missing: tuple[int, ...] = ()) -> Outcome:
    return Outcome(
        validator_index=index,
        duty_type=kind,
        submitted=not missed,
        missed_reason=missed,
        missing_operators=missing,
    )


RECORDS = [
    record(3, part(7, MissedReason.NO_ATTESTATION_DATA)),
    record(17, part(7), part(8, MissedReason.NO_PARTIAL_QUORUM, missing=(2, 4))),
    record(18, part(9, "of_a_later_version", PROPOSER)),
    record(17, part(7, MissedReason.NOT_INCLUDED), correction=True),
]


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Nats]:
    """A bus, and the folder of an operator that runs on it."""
    with running_nats(tmp_path / "nats") as server:
        folder = OperatorFolder.at(tmp_path)
        password_file = CertificateFolder(folder.certificates).nats_password(EXPORTER)
        assert password_file is not None
        password_file.parent.mkdir(parents=True)
        password_file.write_text("of-exporter\n")
        folder.service_settings.parent.mkdir(parents=True)
        network_file = tmp_path / "network.json"
        write_network_file(network_file, local_chain(SLOTS_PER_EPOCH, 6.0))
        folder.service_settings.write_text(
            f'nats_url = "nats://127.0.0.1:{server.port}"\nnetwork_file = "{network_file}"\n'
        )
        yield server


def store(server: Nats, *records: DutyRecord) -> None:
    async def publish() -> None:
        client = await nats.connect(
            f"nats://127.0.0.1:{server.port}",
            user=CONSENSUS,
            password=f"of-{CONSENSUS}",
            inbox_prefix=inbox_prefix(CONSENSUS).encode(),
        )
        stream = client.jetstream()
        await stream.add_stream(StreamConfig(name=DECIDED_STREAM, subjects=["ssv.decided.>"]))
        for each in records:
            await stream.publish("ssv.decided.ab", each.SerializeToString())
        await client.close()

    asyncio.run(publish())


def shown(folder: Path, *options: str) -> str:
    result = CliRunner().invoke(app, ["duties", "--dir", str(folder), *options], env={"COLUMNS": "400"})
    assert result.exit_code == 0, result.output
    return result.output


def test_missed_duties_are_listed_with_reason_meaning_and_who_was_missing(bus: Nats, tmp_path: Path) -> None:
    store(bus, *RECORDS)
    lines = [line for line in shown(tmp_path, "--missed").splitlines() if line.strip()[:1].isdigit()]
    assert [line.split()[:4] for line in lines] == [
        ["3", "7", "attester", "no_attestation_data"],
        ["17", "7", "attester", "not_included"],
        ["17", "8", "attester", "no_partial_quorum"],
        ["18", "9", "proposer", "of_a_later_version"],
    ]
    assert "2, 4" in lines[2]
    assert MissedReason.NO_PARTIAL_QUORUM.explanation in lines[2]


def test_an_epoch_may_be_the_first_that_counts(bus: Nats, tmp_path: Path) -> None:
    store(bus, *RECORDS)
    assert "no_attestation_data" not in shown(tmp_path, "--missed", "--since", "1")
    assert "not_included" in shown(tmp_path, "--missed", "--since", "2")
    assert "not_included" not in shown(tmp_path, "--missed", "--since", "3")


def test_duties_are_counted_by_outcome(bus: Nats, tmp_path: Path) -> None:
    store(bus, *RECORDS)
    rows = [line.split() for line in shown(tmp_path).splitlines() if line.split()[-1:] == ["1"]]
    assert ["attester", "not_included", "1"] in rows
    assert not any(row[1] == "submitted" for row in rows), "the only one was not included"


def test_nothing_recorded_is_an_empty_table(bus: Nats, tmp_path: Path) -> None:
    assert "slot" in shown(tmp_path, "--missed")


def test_a_correction_holds_whenever_it_comes() -> None:
    for records in (RECORDS, RECORDS[::-1]):
        found = {(each.slot, each.validator_index): each.missed for each in outcomes_of(records, Slot(0))}
        assert found[Slot(17), ValidatorIndex(7)] == "not_included"


@pytest.mark.parametrize("reason", list(MissedReason))
def test_every_reason_is_explained(reason: MissedReason) -> None:
    (outcome,) = outcomes_of([record(1, part(1, reason))], Slot(0))
    assert outcome.explanation == reason.explanation


def test_who_runs_nothing_is_told_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["duties", "--dir", str(tmp_path)])
    assert result.exit_code != 0
    assert "ssvctl up" in result.output


def test_a_bus_that_is_away_is_named(bus: Nats, tmp_path: Path) -> None:
    bus.kill()
    result = CliRunner().invoke(app, ["duties", "--dir", str(tmp_path)])
    assert result.exit_code != 0
    assert str(bus.port) in result.output.replace("\n", "")
