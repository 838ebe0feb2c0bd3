"""ATTESTATION, case by case; the names are those of dirk's table where it has the case."""

from __future__ import annotations

import pytest
from services.signer.tests.harness import SLOTS_PER_EPOCH
from services.signer.tests.remote.rule_table import judged, reason, record, root_of
from services.signer.tests.remote.world import CLOCK_EPOCH, OTHER_ROOT, Json, attestation, attestation_data, fork_info

from ssv_protocol.signing.records import AttestationRecord
from ssv_protocol.signing.watermarks import NOTHING, KeyRecord
from ssv_protocol.types.ids import Epoch, Slot
from ssv_signer.remote.errors import Refused

NOW = int(CLOCK_EPOCH)
CASES: dict[str, tuple[KeyRecord, Json, str | None]] = {
    "Good": (record(NOW - 2, NOW - 1), attestation(NOW, NOW - 1), None),
    "First": (record(), attestation(NOW, NOW - 1), None),
    "SameSourceAsStored": (record(NOW - 2, NOW - 1), attestation(NOW, NOW - 2), None),
    "NextEpoch": (record(), attestation(NOW + 1, NOW), "far_future"),
    "EqualEpochs": (record(), attestation(NOW, NOW), "source_not_before_target"),
    "SourceAfterTarget": (record(), attestation(NOW, NOW + 1), "source_not_before_target"),
    "SameTargetAsStored": (record(NOW - 1, NOW), attestation(NOW, NOW - 1), "double_vote"),
    "EarlierTargetThanStored": (record(NOW - 3, NOW), attestation(NOW - 1, NOW - 2), "target_below_record"),
    "EarlierSourceThanStored": (record(NOW - 2, NOW - 1), attestation(NOW, NOW - 3), "surround"),
    "Surrounding": (record(NOW - 3, NOW - 2), attestation(NOW, NOW - 5), "surround"),
    "Surrounded": (record(NOW - 4, NOW), attestation(NOW - 1, NOW - 2), "target_below_record"),
    "FarFuture": (record(), attestation(NOW + 2, NOW), "far_future"),
    "NoRecord": (NOTHING, attestation(NOW, NOW - 1), "no_record"),
    "TargetOfOtherEpoch": (
        record(),
        attestation() | {"attestation": attestation_data() | {"slot": "8"}},
        "target_of_other_epoch",
    ),
    "BadDomain": (record(), attestation() | {"fork_info": fork_info(5)}, "other_fork"),
    "BadChain": (
        record(),
        attestation() | {"fork_info": fork_info(genesis_validators_root=OTHER_ROOT)},
        "other_fork",
    ),
    "BadForkEpoch": (record(), attestation() | {"fork_info": fork_info(epoch="5")}, "other_fork"),
    "BadPreviousVersion": (
        record(),
        attestation() | {"fork_info": fork_info(previous_version="0x70000001")},
        "other_fork",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_attestation(name: str) -> None:
    before, plain, expected = CASES[name]
    assert reason(judged(plain, before)) == expected


def test_what_is_approved_is_recorded_and_may_be_signed_again() -> None:
    before = record(NOW - 2, NOW - 1, slot=5)
    plain = attestation(NOW, NOW - 1)
    after = judged(plain, before)
    assert after == KeyRecord(AttestationRecord(Epoch(NOW - 1), Epoch(NOW), root_of(plain)), before.proposal)
    assert judged(plain, after) == after
    assert reason(judged(attestation(NOW, NOW - 1, OTHER_ROOT), after)) == "double_vote"


def test_a_refusal_for_the_fork_names_both() -> None:
    refused = judged(attestation() | {"fork_info": fork_info(4)}, record())
    assert isinstance(refused, Refused)
    assert "0x70000005 since epoch 4" in refused.detail
    assert "fulu 0x70000007 since epoch 6" in refused.detail


def test_the_next_epoch_begins_a_slot_early_for_a_clock_that_lags() -> None:
    first = Slot((NOW + 1) * SLOTS_PER_EPOCH)
    assert reason(judged(attestation(NOW + 1, NOW), record(), Slot(first - 2))) == "far_future"
    assert reason(judged(attestation(NOW + 1, NOW), record(), Slot(first - 1))) is None
