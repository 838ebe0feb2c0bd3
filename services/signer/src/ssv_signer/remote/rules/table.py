"""All types of the API; what is not here can't be asked for."""

from __future__ import annotations

from ssv_signer.remote.rules import (
    aggregate_and_proof,
    aggregation_slot,
    attestation,
    block,
    deposit,
    randao_reveal,
    sync_contribution,
    sync_message,
    sync_selection,
    validator_registration,
    voluntary_exit,
)
from ssv_signer.remote.rules.kind import Kind

_ALL = (
    block.KIND,
    block.PHASE0_KIND,
    attestation.KIND,
    aggregation_slot.KIND,
    aggregate_and_proof.KIND,
    aggregate_and_proof.BEFORE_ELECTRA_KIND,
    randao_reveal.KIND,
    sync_message.KIND,
    sync_selection.KIND,
    sync_contribution.KIND,
    voluntary_exit.KIND,
    validator_registration.KIND,
    deposit.KIND,
)
KINDS: dict[str, Kind] = {each.type: each for each in _ALL}
