"""The exit runner (role 5): a validator leaves the beacon chain.

The exit is valid from the duty's epoch on. It is signed with the domain of Capella for ever (EIP-7044), which
`BeaconChain.domain` knows.

Source: ssv-spec ssv/voluntary_exit.go.
"""

from __future__ import annotations

from ssv_protocol.drafts import Exit
from ssv_protocol.effects import Submit
from ssv_protocol.runners.consensus_phase import ConsensusLane
from ssv_protocol.runners.one_signature import OneSignatureRunner
from ssv_protocol.runners.seats import ValidatorSeat
from ssv_protocol.types.beacon.exit import SignedVoluntaryExit, VoluntaryExit
from ssv_protocol.types.duty import ValidatorDuty
from ssv_protocol.types.ids import BlsSignature
from ssv_protocol.types.roles import PartialSignatureType, RunnerRole


def voluntary_exit_runner(
    seat: ValidatorSeat, duty: ValidatorDuty, lane: ConsensusLane | None = None
) -> OneSignatureRunner:
    """Return the machine of one exit; the role has no consensus, so it needs no lane."""
    leaving = VoluntaryExit(seat.network.chain.epoch_of(duty.slot), duty.validator_index)

    def submission(signature: BlsSignature) -> Submit:
        return Submit(exits=(SignedVoluntaryExit(leaving, signature),))

    return OneSignatureRunner(
        seat,
        duty,
        RunnerRole.VOLUNTARY_EXIT,
        PartialSignatureType.VOLUNTARY_EXIT,
        Exit(seat.share.validator_pubkey, leaving),
        submission,
    )
