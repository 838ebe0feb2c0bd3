"""The registration runner (role 4): telling block builders where a validator's rewards go.

The timestamp is the start of the duty's epoch, so that all operators sign the same object. Gas limit and fee
recipient must agree in the committee for the same reason; where they do not, roots differ and nothing is submitted.

Source: ssv-spec ssv/validator_registration.go; builder-specs.
"""

from __future__ import annotations

from ssv_protocol.drafts import Registration
from ssv_protocol.effects import Submit
from ssv_protocol.runners.consensus_phase import ConsensusLane
from ssv_protocol.runners.one_signature import OneSignatureRunner
from ssv_protocol.runners.seats import ValidatorSeat
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration, ValidatorRegistration
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsSignature
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole


def registration_runner(
    seat: ValidatorSeat, duty: ValidatorDuty, lane: ConsensusLane | None = None
) -> OneSignatureRunner:
    """Return the machine of one registration; the role has no consensus, so it needs no lane."""
    registration = registration_of(seat, duty)

    def submission(signature: BlsSignature) -> Submit:
        signed = SignedValidatorRegistration(registration, signature)
        return Submit(registrations=(signed,), registrants=(duty.validator_index,))

    return OneSignatureRunner(
        seat,
        duty,
        RunnerRole.VALIDATOR_REGISTRATION,
        PartialSignatureType.VALIDATOR_REGISTRATION,
        Registration(duty.validator_index, registration),
        submission,
    )


def registration_of(seat: ValidatorSeat, duty: ValidatorDuty) -> ValidatorRegistration:
    """Return what is registered; the timestamp is in whole Unix seconds."""
    chain = seat.network.chain
    epoch_start = chain.slot_start(chain.first_slot(chain.epoch_of(duty.slot)))
    return ValidatorRegistration(
        seat.share.fee_recipient, seat.gas_limit, int(epoch_start), seat.share.validator_pubkey
    )
