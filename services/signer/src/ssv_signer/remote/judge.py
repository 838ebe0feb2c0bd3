"""Judge requests of the API inside a transaction: whose key it is, our fork, the signing root, the object's rule.

Invariant: what a request is judged by was read in the open transaction, or left by the request before it in the same
one; `write` puts the records into it. Nothing may be signed before it is committed.

A database that was restored may have forgotten what was signed last, and for a plain key no worker remembers it. So
the first request of a key since the signer started raises its record to the last slot that could have been signed: it
attests again from the next epoch on, and proposes two slots on. What is on record may be signed again.

Not guaranteed: what fences and evidence guarantee for shares. A plain key has no committee: nobody else has to agree,
no lease says who may ask, and another signer with the same key has a record of its own.

Source: architecture §5.1, §5.5; EIP-3076.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.signing import attestation, block
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.signing.watermarks import NOTHING, KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot
from ssv_signer.remote import fork_info
from ssv_signer.remote.errors import Refused, RemoteReason
from ssv_signer.remote.request import SigningRequest
from ssv_signer.remote.rules.kind import View, latest
from ssv_signer.store import watermarks
from ssv_signer.store.database import Connection, select_in

_SHARES = "SELECT share_pubkey FROM shares WHERE share_pubkey IN"
_VALIDATORS = "SELECT validator_pubkey FROM shares WHERE active = 1 AND validator_pubkey IN"
Start = Literal["import-required", "empty"]
_EMPTY = KeyRecord(AttestationRecord(Epoch(0), Epoch(0)), ProposalRecord(Slot(0)))
"""The record of a key that has signed nothing; genesis itself is no duty."""


@dataclass(frozen=True, slots=True)
class Approved:
    """May be signed, once the transaction is durable."""

    signing_root: Root


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say: types that are never signed, and what a key without a record may."""

    chain: BeaconChain
    denied_types: frozenset[str]
    start: Start


class Sitting:
    """The judging of one transaction over the keys of some requests."""

    def __init__(
        self,
        policy: Policy,
        connection: Connection,
        clock: Slot,
        keys: Sequence[BlsPublicKey],
        *,
        loaded: Collection[BlsPublicKey],
        trusted: Collection[BlsPublicKey],
    ) -> None:
        """`loaded` can sign; the records of `trusted` were raised since the signer started, others are raised now."""
        self._policy = policy
        self._connection = connection
        self._clock = clock
        self._loaded = loaded
        self._shares = {bytes(key) for (key,) in select_in(connection, _SHARES, keys)}
        self._validators = {bytes(key) for (key,) in select_in(connection, _VALIDATORS, keys)}
        attested, proposed = watermarks.attestations(connection, keys), watermarks.proposals(connection, keys)
        self._before = {key: KeyRecord(attested.get(key), proposed.get(key)) for key in keys}
        self._records = {key: self._begun(record, key in trusted) for key, record in self._before.items()}

    @property
    def known(self) -> frozenset[BlsPublicKey]:
        """The keys that have a record when the transaction is durable."""
        return frozenset(key for key, record in self._records.items() if record != NOTHING)

    def judge(self, request: SigningRequest) -> Approved | Refused:
        """Judge a request, and keep what is to be recorded when it may be signed."""
        chain, kind, key = self._policy.chain, request.kind, request.pubkey
        refused = self._whose(key)
        if refused is not None:
            return refused
        if kind.type in self._policy.denied_types:
            return Refused(RemoteReason.TYPE_DENIED, kind.type)
        if request.fork_info is not None:
            epoch = kind.epoch(chain, request.object)
            given = request.fork_info
            refused = fork_info.check_any(chain, given) if epoch is None else fork_info.check(chain, given, epoch)
            if refused is not None:
                return refused
        root = kind.signing_root(chain, request.object)
        for expected in request.expected_roots:
            if expected != root:
                return Refused(RemoteReason.OTHER_SIGNING_ROOT, f"0x{expected.hex()}, ours is 0x{root.hex()}")
        after = kind.check(View(chain, self._clock, key, self._records[key]), request.object, root)
        if isinstance(after, Refused):
            return after
        self._records[key] = after
        return Approved(root)

    def write(self) -> None:
        """Write what the approved requests changed."""
        after, before = self._records, self._before
        votes = {key: item.attestation for key, item in after.items() if item.attestation != before[key].attestation}
        blocks = {key: item.proposal for key, item in after.items() if item.proposal != before[key].proposal}
        watermarks.put_attestations(self._connection, {key: vote for key, vote in votes.items() if vote is not None})
        watermarks.put_proposals(self._connection, {key: block for key, block in blocks.items() if block is not None})

    def _whose(self, key: BlsPublicKey) -> Refused | None:
        # in this transaction, because a share may have come since the key was loaded
        if key in self._shares:
            return Refused(RemoteReason.SHARE_OF_COMMITTEE)
        if key in self._validators:
            return Refused(RemoteReason.VALIDATOR_OF_COMMITTEE)
        return None if key in self._loaded else Refused(RemoteReason.UNKNOWN_KEY, f"0x{key.hex()}")

    def _begun(self, record: KeyRecord, trusted: bool) -> KeyRecord:
        """Return what the rules judge by. A key with one record has no other: an import brings all that was signed."""
        if record == NOTHING and self._policy.start == "import-required":
            return NOTHING
        if trusted:
            return KeyRecord(record.attestation or _EMPTY.attestation, record.proposal or _EMPTY.proposal)
        last = latest(self._clock)
        voted = attestation.raised(record.attestation, self._policy.chain.epoch_of(last))
        return KeyRecord(voted, block.raised(record.proposal, last))
