"""Runs a vector: import, then try to sign, and compare every answer with the vector's.

The vectors say of each attempt what a client answers that keeps everything (`should_succeed_complete`) and one that was
given the minimal form and keeps only the highest (`should_succeed`). We keep only the highest, with its signing root.
So a vector is run in two ways:

- minimal: the files are imported as our own minimal form without signing roots. Every answer is `should_succeed`.
- given: the files are imported as they are. The answers are the same but for one kind: what is known to be the
  very object of the highest mark may be signed again, and then `should_succeed_complete` must allow it.

Source: eth-clients/slashing-protection-interchange-tests; EIP-3076.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal, Protocol, get_args

from ssv_protocol.signing import attestation, block, interchange, watermarks
from ssv_protocol.signing.interchange import Interchange, InterchangeInvalid
from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.signing.verdict import Approved, Denied
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot
from tests.interchange.vectors import Json, Vector

Form = Literal["minimal", "given"]
FORMS: tuple[Form, ...] = get_args(Form)
_LATER = 2**62  # the clock: nothing in the vectors is in the future


class RecordStore(Protocol):
    """Where the records of keys are kept."""

    def take(self, imported: Interchange) -> None:
        """Merge a file into the records."""

    def get(self, pubkey: BlsPublicKey) -> KeyRecord:
        """Return the record of a key."""

    def put(self, pubkey: BlsPublicKey, record: KeyRecord) -> None:
        """Replace the record of a key by what a rule approved."""


class MemoryStore:
    """The records in a dictionary: the rules alone, without a store's own."""

    def __init__(self) -> None:
        self._records: dict[BlsPublicKey, KeyRecord] = {}

    def take(self, imported: Interchange) -> None:
        for pubkey, record in watermarks.records_of(imported).items():
            self._records[pubkey] = watermarks.merged(self.get(pubkey), record)

    def get(self, pubkey: BlsPublicKey) -> KeyRecord:
        return self._records.get(pubkey, watermarks.NOTHING)

    def put(self, pubkey: BlsPublicKey, record: KeyRecord) -> None:
        self._records[pubkey] = record


def replay(vector: Vector, store: RecordStore, form: Form) -> list[str]:
    """Run a vector on an empty store and return what was not as it should be."""
    problems = []
    network = Root(bytes.fromhex(vector.genesis_validators_root[2:]))
    for number, step in enumerate(vector.steps):
        problem = _import(step, store, network, form)
        if problem:
            problems.append(f"step {number}: {problem}")
        for kind, attempt in (("blocks", _try_block), ("attestations", _try_attestation)):
            for place, item in enumerate(step[kind]):
                signed, again = attempt(store, item)
                if signed != _expected(item, form, again=again):
                    problems.append(f"step {number}, {kind}[{place}]: {'signed' if signed else 'refused'}")
    return problems


def _import(step: Json, store: RecordStore, network: Root, form: Form) -> str | None:
    try:
        given = interchange.parse(json.dumps(step["interchange"]))
        interchange.check_network(given, network)
    except InterchangeInvalid as error:
        return f"the import was refused: {error}" if step["should_succeed"] else None
    store.take(_minimal(given) if form == "minimal" else given)
    return None if step["should_succeed"] else "the import was taken"


def _minimal(given: Interchange) -> Interchange:
    made = watermarks.to_interchange(given.genesis_validators_root, watermarks.records_of(given))
    keys = (
        replace(
            key,
            blocks=tuple(replace(item, signing_root=None) for item in key.blocks),
            attestations=tuple(replace(item, signing_root=None) for item in key.attestations),
        )
        for key in made.keys
    )
    return interchange.parse(interchange.encode(replace(made, keys=tuple(keys))))


def _expected(item: Json, form: Form, *, again: bool) -> bool:
    complete = form == "given" and again
    return bool(item["should_succeed_complete" if complete else "should_succeed"])


def _try_block(store: RecordStore, item: Json) -> tuple[bool, bool]:
    pubkey, root = _pubkey(item), _root(item)
    before = store.get(pubkey)
    # a key without a block on record was never used before: it begins at genesis
    record = before.proposal or ProposalRecord(Slot(0))
    slot = Slot(int(item["slot"]))
    verdict = block.check(record, slot, root, Slot(_LATER))
    if isinstance(verdict, Approved):
        store.put(pubkey, replace(before, proposal=verdict.record))
    return not isinstance(verdict, Denied), (record.slot, record.signing_root) == (slot, root)


def _try_attestation(store: RecordStore, item: Json) -> tuple[bool, bool]:
    pubkey, root = _pubkey(item), _root(item)
    before = store.get(pubkey)
    record = before.attestation or AttestationRecord(Epoch(0), Epoch(0))
    source, target = Epoch(int(item["source_epoch"])), Epoch(int(item["target_epoch"]))
    verdict = attestation.check(record, source, target, root, Epoch(_LATER))
    if isinstance(verdict, Approved):
        store.put(pubkey, replace(before, attestation=verdict.record))
    return not isinstance(verdict, Denied), (record.target, record.signing_root) == (target, root)


def _pubkey(item: Json) -> BlsPublicKey:
    return BlsPublicKey(bytes.fromhex(item["pubkey"][2:]))


def _root(item: Json) -> Root:
    return Root(bytes.fromhex(item["signing_root"][2:]))
