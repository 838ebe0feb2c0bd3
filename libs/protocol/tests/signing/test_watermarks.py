"""What two records of one key amount to, and that a merged record never lets a slashable object through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.protocol.tests.signing.world import root_of

from ssv_protocol.signing import attestation, block, watermarks
from ssv_protocol.signing.interchange import Interchange, KeyHistory, SignedAttestation, SignedBlock
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.signing.verdict import Approved
from ssv_protocol.signing.watermarks import KeyRecord, merged, records_of, to_interchange
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot

A, B = root_of(b"a"), root_of(b"b")
NETWORK = Root(bytes(32))
KEY, OTHER_KEY = BlsPublicKey(b"\xa0" * 48), BlsPublicKey(b"\xa1" * 48)
LATER = 100

epochs, roots = st.integers(0, 6), st.sampled_from([None, A, B])
attested = st.none() | st.builds(AttestationRecord, epochs.map(Epoch), epochs.map(Epoch), roots)
proposed = st.none() | st.builds(ProposalRecord, epochs.map(Slot), roots)
records = st.builds(KeyRecord, attested, proposed)
signed_attestations = st.builds(SignedAttestation, epochs.map(Epoch), epochs.map(Epoch), roots)
signed_blocks = st.builds(SignedBlock, epochs.map(Slot), roots)
histories = st.builds(
    KeyHistory,
    st.sampled_from([KEY, OTHER_KEY]),
    st.lists(signed_blocks, max_size=4).map(tuple),
    st.lists(signed_attestations, max_size=4).map(tuple),
)
files = st.builds(Interchange, st.just(NETWORK), st.lists(histories, max_size=4).map(tuple))


def marks(source: int, target: int, root: Root | None = None) -> AttestationRecord:
    return AttestationRecord(Epoch(source), Epoch(target), root)


ATTESTATIONS: list[tuple[str, AttestationRecord | None, AttestationRecord | None, AttestationRecord | None]] = [
    ("Nothing", None, None, None),
    ("OnlyOne", marks(3, 4, A), None, marks(3, 4, A)),
    ("Higher", marks(3, 4, A), marks(4, 5, B), marks(4, 5, B)),
    ("HigherOfUnknownRoot", marks(3, 4, A), marks(4, 5), marks(4, 5)),
    ("SourceOfTheOther", marks(4, 5, A), marks(3, 6, B), marks(4, 6, B)),
    ("SourceOfTheOtherAtOneTarget", marks(4, 6, A), marks(3, 6, A), marks(4, 6, A)),
    ("SameRoot", marks(3, 4, A), marks(3, 4, A), marks(3, 4, A)),
    ("OtherRoot", marks(3, 4, A), marks(3, 4, B), marks(3, 4)),
    ("UnknownRoot", marks(3, 4, A), marks(3, 4), marks(3, 4)),
    ("SourceAfterTarget", marks(7, 4, A), marks(3, 5, B), marks(7, 5, B)),
]


@pytest.mark.parametrize(
    ("one", "other", "both"), [case[1:] for case in ATTESTATIONS], ids=[c[0] for c in ATTESTATIONS]
)
def test_attestations(
    one: AttestationRecord | None, other: AttestationRecord | None, both: AttestationRecord | None
) -> None:
    assert watermarks.merged_attestation(one, other) == both
    assert watermarks.merged_attestation(other, one) == both


PROPOSALS: list[tuple[str, ProposalRecord | None, ProposalRecord | None, ProposalRecord | None]] = [
    ("Nothing", None, None, None),
    ("OnlyOne", ProposalRecord(Slot(7), A), None, ProposalRecord(Slot(7), A)),
    ("Higher", ProposalRecord(Slot(7), A), ProposalRecord(Slot(8)), ProposalRecord(Slot(8))),
    ("SameRoot", ProposalRecord(Slot(7), A), ProposalRecord(Slot(7), A), ProposalRecord(Slot(7), A)),
    ("OtherRoot", ProposalRecord(Slot(7), A), ProposalRecord(Slot(7), B), ProposalRecord(Slot(7))),
    ("UnknownRoot", ProposalRecord(Slot(7), A), ProposalRecord(Slot(7)), ProposalRecord(Slot(7))),
]


@pytest.mark.parametrize(
    ("one", "other", "both"), [case[1:] for case in PROPOSALS], ids=[case[0] for case in PROPOSALS]
)
def test_proposals(one: ProposalRecord | None, other: ProposalRecord | None, both: ProposalRecord | None) -> None:
    assert watermarks.merged_proposal(one, other) == both
    assert watermarks.merged_proposal(other, one) == both


@given(records, records, records)
def test_order_and_repetition_do_not_matter(one: KeyRecord, two: KeyRecord, three: KeyRecord) -> None:
    assert merged(one, one) == one
    assert merged(one, two) == merged(two, one)
    assert merged(merged(one, two), three) == merged(one, merged(two, three))


@given(records, records, epochs, epochs, st.sampled_from([A, B]))
def test_what_either_forbids_stays_forbidden(
    one: KeyRecord, two: KeyRecord, source: int, target: int, root: Root
) -> None:
    both = merged(one, two)
    new_vote = both.attestation is not None and both.attestation.target != target
    new_block = both.proposal is not None and both.proposal.slot != target
    for record in (one, two):
        if record.attestation is not None and _may_attest(both, source, target, root):
            # what is not new is what one of them has signed and the other one does not contradict
            assert _may_attest(record, source, target, root) or not new_vote
            assert record.attestation.target != target or record.attestation.signing_root == root
        if record.proposal is not None and _may_propose(both, target, root):
            assert _may_propose(record, target, root) or not new_block
            assert record.proposal.slot != target or record.proposal.signing_root == root


@given(files, epochs, epochs, st.sampled_from([A, B]))
def test_after_an_import_nothing_slashable_is_signed(file: Interchange, source: int, target: int, root: Root) -> None:
    record = records_of(file).get(KEY, watermarks.NOTHING)
    keys = [key for key in file.keys if key.pubkey == KEY]
    if _may_attest(record, source, target, root):
        signed = [item for key in keys for item in key.attestations]
        # what a file has already, slashable or not, is no new vote
        is_new = not any(item.target == target and item.signing_root == root for item in signed)
        for item in signed:
            assert item.target != target or item.signing_root == root
            if item.target != target and is_new:
                assert not item.source < source < target < item.target
                assert not source < item.source < item.target < target
    if _may_propose(record, target, root):
        for item_ in (item for key in keys for item in key.blocks):
            assert item_.slot != target or item_.signing_root == root


@given(files)
def test_the_minimal_form_says_the_same(file: Interchange) -> None:
    minimal = to_interchange(NETWORK, records_of(file))
    assert records_of(minimal) == records_of(file)
    assert to_interchange(NETWORK, records_of(minimal)) == minimal
    assert all(len(key.blocks) <= 1 and len(key.attestations) <= 1 for key in minimal.keys)


def _may_attest(record: KeyRecord, source: int, target: int, root: Root) -> bool:
    verdict = attestation.check(record.attestation, Epoch(source), Epoch(target), root, Epoch(LATER))
    return isinstance(verdict, Approved)


def _may_propose(record: KeyRecord, slot: int, root: Root) -> bool:
    return isinstance(block.check(record.proposal, Slot(slot), root, Slot(LATER)), Approved)
