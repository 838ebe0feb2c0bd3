"""The signer of demos and simulations follows the same rules as the service, for every kind of draft."""

from __future__ import annotations

from dataclasses import replace

import pytest
from libs.protocol.tests.runners.validator_world import AT, duty, full_block, value_of
from libs.protocol.tests.runners.world import A, share, share_keys
from libs.protocol.tests.signing.world import CHAIN, CLOCK, NETWORK, OPERATORS, Decision, keys, member

from ssv_consensus.ports import NothingSigned, Refusal, Signed
from ssv_devnet.committee.local_signer import LocalSigner, SignResult
from ssv_protocol.crypto import bls
from ssv_protocol.effects import PostConsensusDraft, PreConsensusDraft, RandaoReveal
from ssv_protocol.signing.objects import block_object, pre_consensus_root
from ssv_protocol.signing.verdict import DenialReason, Denied
from ssv_protocol.types.ids import Epoch, Root, Slot
from ssv_protocol.types.message_id import validator_message_id
from ssv_protocol.types.partial_signatures import PartialSignatures
from ssv_protocol.types.roles import BeaconRole, PartialSignatureType, RunnerRole

MESSAGE_ID = validator_message_id(NETWORK.domain_at(CLOCK), RunnerRole.PROPOSER, share(A).validator_pubkey)
EPOCH = CHAIN.epoch_of(CLOCK)
BLOCK, OTHER = full_block(), full_block(graffiti=b"\x07" * 32)
DUTY = duty(BeaconRole.PROPOSER)
REVEAL = RandaoReveal(A, share(A).validator_pubkey, EPOCH)


def signer(held_since: int = EPOCH - 1) -> LocalSigner:
    made = LocalSigner(member(), NETWORK, keys()[OPERATORS[0]], lambda: AT)
    made.add_share(share(A), share_keys(A)[OPERATORS[0]], Epoch(held_since))
    return made


def block_draft(value: bytes, slot: Slot = CLOCK) -> PostConsensusDraft:
    decided = Decision(value, slot, inner_id=MESSAGE_ID, outer_id=MESSAGE_ID).signed()
    return PostConsensusDraft(MESSAGE_ID, slot, decided, (replace(DUTY, slot=slot),))


def signed_root(result: SignResult) -> Root:
    """The one root that our share signed; its signature is verified."""
    assert isinstance(result, Signed), result
    (item,) = PartialSignatures.decode(result.message.ssv_message.data).messages
    assert bls.verify(share(A).share_pubkey, item.signing_root, item.signature)
    return item.signing_root


def test_a_reveal_is_signed_and_one_of_another_epoch_is_not() -> None:
    draft = PreConsensusDraft(MESSAGE_ID, CLOCK, PartialSignatureType.RANDAO, (REVEAL,))
    ahead = replace(draft, objects=(replace(REVEAL, epoch=Epoch(EPOCH + 1)),))
    made = signer()
    denied = Denied(DenialReason.DUTY_SLOT, "RandaoReveal")
    assert made.sign(ahead) == NothingSigned((Refusal(BeaconRole.PROPOSER, REVEAL.validator_index, denied),))
    assert signed_root(made.sign(draft)) == pre_consensus_root(CHAIN, CLOCK, REVEAL)
    assert made.sign(ahead) == made.sign(draft), "what was sent is the answer"


def test_one_block_a_slot_and_none_of_an_earlier_slot() -> None:
    made, earlier = signer(), Slot(CLOCK - 1)
    first = made.sign(block_draft(value_of(BLOCK)))
    assert signed_root(first) == block_object(CHAIN, CLOCK, BLOCK, DUTY).signing_root
    assert made.sign(block_draft(value_of(OTHER))) == first
    below = made.sign(block_draft(value_of(full_block(earlier)), earlier))
    assert isinstance(below, NothingSigned)
    assert [each.denied.reason for each in below.refusals] == [DenialReason.SLOT_BELOW_RECORD]


@pytest.mark.parametrize(("held_since", "signs"), [(EPOCH, False), (EPOCH - 1, True)])
def test_a_share_proposes_from_the_epoch_after_the_one_it_was_added_in(held_since: int, signs: bool) -> None:
    assert isinstance(signer(held_since).sign(block_draft(value_of(BLOCK))), Signed) is signs


def test_a_request_for_nothing_is_refused() -> None:
    nothing = replace(block_draft(value_of(BLOCK)), duties=())
    assert signer().sign(nothing) == Denied(DenialReason.NOTHING_TO_SIGN)
