from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.types.samples import SIGNATURE
from libs.protocol.tests.types.strategies import values_of
from libs.protocol.tests.types.test_ssz import few

from ssv_protocol.beacon_chain import BeaconFork
from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.beacon import capella, deneb, electra, fulu
from ssv_protocol.types.beacon.block_proposal import BlockProposal

MODULES: dict[BeaconFork, Any] = {
    BeaconFork.CAPELLA: capella,
    BeaconFork.DENEB: deneb,
    BeaconFork.ELECTRA: electra,
    BeaconFork.FULU: fulu,
}
forks = pytest.mark.parametrize("fork", MODULES, ids=lambda fork: fork.name)


def full_type(fork: BeaconFork) -> Any:
    return capella.BeaconBlock if fork is BeaconFork.CAPELLA else MODULES[fork].BlockContents


@forks
@given(data=st.data())
@few
def test_full_blocks_are_recognised_and_blinded(fork: BeaconFork, data: st.DataObject) -> None:
    value = data.draw(values_of(full_type(fork)))
    proposal = BlockProposal.decode(fork, value.encode())
    assert (proposal.fork, proposal.value, proposal.blinded) == (fork, value, False)
    assert proposal.root() == proposal.block.hash_tree_root()
    blinded = proposal.blind()
    assert blinded.blinded
    assert blinded.root() == proposal.root()
    assert BlockProposal.decode(fork, blinded.encode()) == blinded
    assert blinded.blind() is blinded


@forks
@given(data=st.data())
@few
def test_the_signed_form_is_the_one_that_is_published(fork: BeaconFork, data: st.DataObject) -> None:
    module = MODULES[fork]
    proposal = BlockProposal(fork, data.draw(values_of(full_type(fork))))
    signed: Any = proposal.signed(SIGNATURE)
    if fork is BeaconFork.CAPELLA:
        assert signed == module.SignedBeaconBlock(proposal.value, SIGNATURE)
    else:
        assert type(signed) is module.SignedBlockContents
        assert signed.signed_block == module.SignedBeaconBlock(proposal.block, SIGNATURE)
        assert signed.blobs == proposal.value.blobs  # type: ignore[union-attr]
    blinded = proposal.blind()
    assert blinded.signed(SIGNATURE) == module.SignedBlindedBeaconBlock(blinded.value, SIGNATURE)


@pytest.mark.parametrize("version", [0, 1, 2, 3, 8, 2**64 - 1])
def test_blocks_before_capella_and_of_unknown_forks_are_refused(version: int) -> None:
    with pytest.raises(ProtocolError) as error:
        BlockProposal.decode(version, b"")
    assert error.value.reason is Reason.UNKNOWN_BLOCK_VERSION


@forks
def test_bytes_of_neither_form_are_refused(fork: BeaconFork) -> None:
    with pytest.raises(ProtocolError) as error:
        BlockProposal.decode(fork, b"\xff" * 400)
    assert error.value.reason is Reason.SSZ_DECODE
