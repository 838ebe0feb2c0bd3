"""Both sides of a handshake, each a function from a challenge to a session.

    initiator → recipient   any packet it cannot open
    initiator ← recipient   WHOAREYOU (challenge)
    initiator → recipient   handshake packet: id-signature, ephemeral key, record if wanted, sealed message

Source: discv5-theory.md, *Handshake Steps*.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ssv_discv5.enr.record import Record
from ssv_discv5.errors import MalformedError
from ssv_discv5.identity import PrivateKey
from ssv_discv5.ids import NodeId
from ssv_discv5.session.keys import derive_keys, sign_id, verify_id
from ssv_discv5.session.session import Session
from ssv_discv5.wire.authdata import ID_NONCE_SIZE, Handshake, WhoAreYou
from ssv_discv5.wire.packet import IV_SIZE, Flag, Header, mask

RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Challenge:
    """A WHOAREYOU that we sent: its unmasked bytes, and the record of the peer that we had then."""

    data: bytes
    known: Record | None


def challenge(
    protocol_id: bytes, peer_id: NodeId, nonce: bytes, known: Record | None, random_bytes: RandomBytes
) -> tuple[Challenge, bytes]:
    """Return a challenge for the sender of the packet with `nonce`, and the datagram that carries it."""
    authdata = WhoAreYou(random_bytes(ID_NONCE_SIZE), known.seq if known else 0).encode()
    header = Header(Flag.WHOAREYOU, nonce, authdata).encode(protocol_id)
    iv = random_bytes(IV_SIZE)
    return Challenge(iv + header, known), mask(peer_id, iv, header)


def initiate(
    own: PrivateKey, own_record: Record, remote: Record, challenge_data: bytes, enr_seq: int, random_bytes: RandomBytes
) -> tuple[Handshake, Session]:
    """Answer a challenge of the node with the record `remote`, which has our record number `enr_seq` (0: none)."""
    ephemeral = PrivateKey.generate(random_bytes)
    keys = derive_keys(ephemeral, remote.public_key, own.node_id, remote.node_id, challenge_data)
    proof = sign_id(own, challenge_data, ephemeral.public_key, remote.node_id)
    record = own_record.raw if enr_seq == 0 or enr_seq < own_record.seq else b""
    return Handshake(own.node_id, proof, ephemeral.public_key, record), Session(keys.initiator, keys.recipient)


def accept(own: PrivateKey, given: Handshake, sent: Challenge) -> tuple[Record, Session]:
    """Return the newest record of the peer and the session, if `given` answers the challenge `sent`.

    Raises MalformedError when it does not. The session counts only after it opened the packet's message.
    """
    record = _record(given, sent)
    if not verify_id(record.public_key, given.id_signature, sent.data, given.ephemeral_key, own.node_id):
        raise MalformedError("the id-signature does not answer this challenge")
    keys = derive_keys(own, given.ephemeral_key, given.source, own.node_id, sent.data)
    return record, Session(keys.recipient, keys.initiator)


def _record(given: Handshake, sent: Challenge) -> Record:
    record = sent.known
    if given.record:
        fresh = Record.decode(given.record)
        if record is None or fresh.seq > record.seq:
            record = fresh
    if record is None or record.node_id != given.source:
        raise MalformedError("a handshake without the sender's record")
    return record
