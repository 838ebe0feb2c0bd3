"""What the consensus service encodes is what the signer decodes."""

from __future__ import annotations

import pytest
from libs.protocol.tests.signing.requests import duty, pubkey
from libs.protocol.tests.signing.requests import request as post_consensus
from libs.protocol.tests.signing.world import CLOCK, message_id, qbft_draft

from ssv_consensus.sign_wire import request_of
from ssv_protocol.effects import (
    Draft,
    Exit,
    PreConsensusDraft,
    PreConsensusObject,
    RandaoReveal,
    Registration,
    SlotSelection,
    SyncSelection,
)
from ssv_protocol.types.beacon.exit import VoluntaryExit
from ssv_protocol.types.beacon.registration import ValidatorRegistration
from ssv_protocol.types.ids import Epoch, ExecutionAddress, Slot, ValidatorIndex
from ssv_protocol.types.roles import PartialSignatureType as Kind
from ssv_protocol.types.roles import QbftMessageType
from ssv_signer import drafts

INDEX = ValidatorIndex(7)
OBJECTS: list[PreConsensusObject] = [
    RandaoReveal(INDEX, pubkey(7), Epoch(0)),
    RandaoReveal(INDEX, pubkey(7), Epoch(2**64 - 1)),
    SlotSelection(INDEX, pubkey(7), Slot(0)),
    SyncSelection(INDEX, pubkey(7), CLOCK, 0),
    SyncSelection(INDEX, pubkey(7), CLOCK, 3),
    Registration(INDEX, ValidatorRegistration(ExecutionAddress(b"\x0f" * 20), 36_000_000, 1_700_000_000, pubkey(7))),
    Exit(pubkey(7), VoluntaryExit(Epoch(9), INDEX)),
]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.POST_CONSENSUS])
def test_a_pre_consensus_draft_travels_whole(kind: Kind) -> None:
    draft = PreConsensusDraft(message_id(), CLOCK, kind, tuple(OBJECTS))
    assert drafts.parse(request_of(draft)) == draft


@pytest.mark.parametrize("draft", [qbft_draft(QbftMessageType.PROPOSAL, 1, b"value"), post_consensus(duty(1), duty(2))])
def test_the_other_drafts_travel_whole(draft: Draft) -> None:
    assert drafts.parse(request_of(draft)) == draft
