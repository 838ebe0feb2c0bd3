"""A duty's record as it travels on ssv.decided.<committee>."""

from __future__ import annotations

from ssv_api.v1 import exporter_pb2 as pb
from ssv_consensus.duty_record import DutyRecord
from ssv_consensus.legs import medians_ms
from ssv_consensus.stages import Stage
from ssv_protocol.types.ids import CommitteeId, OperatorId

WHOLE_DUTY = "whole_duty"


def record_message(operator_id: OperatorId, committee: CommitteeId, record: DutyRecord) -> pb.DutyRecord:
    """Return the record of a duty; `stages_ms` has the whole duty under its own name."""
    return pb.DutyRecord(
        operator_id=operator_id,
        committee_id=committee,
        role=record.role,
        slot=record.slot,
        decided=record.decided.encode() if record.decided is not None else b"",
        last_round=record.last_round,
        outcomes=[
            pb.DutyOutcome(
                validator_index=each.validator_index,
                duty_type=each.duty_type,
                submitted=each.missed is None,
                missed_reason=each.missed or "",
                participants=sorted(each.participants),
                share_signers=sorted(each.share_signers),
                missing_operators=sorted(each.missing),
            )
            for each in sorted(record.outcomes, key=lambda each: (each.duty_type, each.validator_index))
        ],
        stages_ms={WHOLE_DUTY if stage is Stage.START else stage: ms for stage, ms in record.stages_ms.items()},
        legs_ms_p50={str(leg): ms for leg, ms in medians_ms(record.legs_ms).items()},
    )
