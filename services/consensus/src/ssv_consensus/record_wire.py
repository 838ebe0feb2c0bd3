"""A duty's record as it travels on ssv.decided.<committee>."""

from __future__ import annotations

from ssv_api.v1 import exporter_pb2 as pb
from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.legs import medians_ms
from ssv_consensus.stages import Stage
from ssv_protocol.types.ids import CommitteeId, OperatorId
from ssv_protocol.types.roles import BeaconRole, RunnerRole

WHOLE_DUTY = "whole_duty"


def record_message(operator_id: OperatorId, committee: CommitteeId, record: DutyRecord) -> pb.DutyRecord:
    """Return the record of a committee duty; `stages_ms` has the whole duty under its own name."""
    return pb.DutyRecord(
        operator_id=operator_id,
        committee_id=committee,
        role=RunnerRole.COMMITTEE,
        slot=record.slot,
        decided=record.decided.encode() if record.decided is not None else b"",
        last_round=record.last_round,
        outcomes=[
            pb.DutyOutcome(
                validator_index=index,
                duty_type=BeaconRole.ATTESTER,
                submitted=index in record.submitted,
                missed_reason=record.missed.get(index, ""),
                participants=sorted(record.participants.get(index, ())),
            )
            for index in sorted(record.attesters)
        ],
        stages_ms={WHOLE_DUTY if stage is Stage.START else stage: ms for stage, ms in record.stages_ms.items()},
        legs_ms_p50={str(leg): ms for leg, ms in medians_ms(record.legs_ms).items()},
    )
