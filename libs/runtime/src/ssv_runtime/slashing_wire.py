"""Slashing records in the signer's gRPC messages, for both ends."""

from __future__ import annotations

from collections.abc import Iterator

from ssv_api.v1 import signer_pb2 as pb
from ssv_protocol.errors import SsvError
from ssv_protocol.signing.interchange import KeyHistory, SignedAttestation, SignedBlock
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot

_PUBLIC_KEY_BYTES, _ROOT_BYTES = 48, 32


class SlashingRecordMalformed(SsvError):
    """A message holds no record of a key."""


def encode(key: BlsPublicKey, record: KeyRecord) -> pb.SlashingRecord:
    """Return the message of one key's record."""
    attested, proposed = record.attestation, record.proposal
    message = pb.SlashingRecord(public_key=key)
    if attested is not None:
        message.attestation.source_epoch = attested.source
        message.attestation.target_epoch = attested.target
        message.attestation.signing_root = attested.signing_root or b""
        message.attestation.SetInParent()  # genesis marks are all zero
    if proposed is not None:
        message.block.slot = proposed.slot
        message.block.signing_root = proposed.signing_root or b""
        message.block.SetInParent()
    return message


def decode(message: pb.SlashingRecord) -> tuple[BlsPublicKey, KeyRecord]:
    """Return a key and its record; raises SlashingRecordMalformed."""
    if len(message.public_key) != _PUBLIC_KEY_BYTES:
        raise SlashingRecordMalformed(f"a public key has {len(message.public_key)} bytes and not {_PUBLIC_KEY_BYTES}")
    attested: AttestationRecord | None = None
    proposed: ProposalRecord | None = None
    if message.HasField("attestation"):
        vote = message.attestation
        attested = AttestationRecord(Epoch(vote.source_epoch), Epoch(vote.target_epoch), _root(vote.signing_root))
    if message.HasField("block"):
        proposed = ProposalRecord(Slot(message.block.slot), _root(message.block.signing_root))
    return BlsPublicKey(message.public_key), KeyRecord(attested, proposed)


def encode_history(history: KeyHistory, *, goes_on: bool = False) -> pb.SignedHistory:
    """Return the message of what a key signed, or of a part of it."""
    return pb.SignedHistory(
        public_key=history.pubkey,
        attestations=[
            pb.SignedAttestation(
                source_epoch=signed.source, target_epoch=signed.target, signing_root=signed.signing_root or b""
            )
            for signed in history.attestations
        ],
        blocks=[pb.SignedBlock(slot=signed.slot, signing_root=signed.signing_root or b"") for signed in history.blocks],
        goes_on=goes_on,
    )


def decode_history(message: pb.SignedHistory) -> KeyHistory:
    """Return what a key signed; raises SlashingRecordMalformed."""
    if len(message.public_key) != _PUBLIC_KEY_BYTES:
        raise SlashingRecordMalformed(f"a public key has {len(message.public_key)} bytes and not {_PUBLIC_KEY_BYTES}")
    return KeyHistory(
        BlsPublicKey(message.public_key),
        tuple(SignedBlock(Slot(each.slot), _root(each.signing_root)) for each in message.blocks),
        tuple(
            SignedAttestation(Epoch(each.source_epoch), Epoch(each.target_epoch), _root(each.signing_root))
            for each in message.attestations
        ),
    )


def parts(history: KeyHistory, most: int) -> Iterator[pb.SignedHistory]:
    """Cut what a key signed into messages of at most `most` attestations and `most` blocks, ascending."""
    votes = sorted(history.attestations, key=lambda each: (each.target, each.source, each.signing_root or b""))
    blocks = sorted(history.blocks, key=lambda each: (each.slot, each.signing_root or b""))
    for start in range(0, max(len(votes), len(blocks), 1), most):
        part = slice(start, start + most)
        yield encode_history(KeyHistory(history.pubkey, tuple(blocks[part]), tuple(votes[part])), goes_on=start > 0)


def _root(value: bytes) -> Root | None:
    if len(value) not in (0, _ROOT_BYTES):
        raise SlashingRecordMalformed(f"a signing root has {len(value)} bytes and not {_ROOT_BYTES}")
    return Root(value) if value else None
