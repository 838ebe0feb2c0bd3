"""How a rule's table of cases is run: a request as JSON, the key's record, the reason or None for approved."""

from __future__ import annotations

from services.signer.tests.remote.world import CHAIN, CLOCK, Json

from ssv_protocol.signing.records import AttestationRecord, ProposalRecord
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot
from ssv_signer.remote import fork_info
from ssv_signer.remote.errors import Refused
from ssv_signer.remote.request import SigningRequest, read_request
from ssv_signer.remote.rules.kind import View

KEY = BlsPublicKey(b"\x0a" * 48)


def record(source: int = 0, target: int = 0, slot: int = 0) -> KeyRecord:
    return KeyRecord(AttestationRecord(Epoch(source), Epoch(target)), ProposalRecord(Slot(slot)))


def asked(plain: Json) -> SigningRequest:
    return read_request(KEY, plain)


def root_of(plain: Json) -> Root:
    request = asked(plain)
    return request.kind.signing_root(CHAIN, request.object)


def judged(plain: Json, before: KeyRecord, clock: Slot = CLOCK) -> KeyRecord | Refused:
    """Ask fork and rule, as the judge does."""
    request = asked(plain)
    kind, epoch = request.kind, request.kind.epoch(CHAIN, request.object)
    if request.fork_info is not None:
        given = request.fork_info
        refused = fork_info.check_any(CHAIN, given) if epoch is None else fork_info.check(CHAIN, given, epoch)
        if refused is not None:
            return refused
    root = kind.signing_root(CHAIN, request.object)
    return kind.check(View(CHAIN, clock, KEY, before), request.object, root)


def reason(verdict: KeyRecord | Refused) -> str | None:
    return verdict.reason.value if isinstance(verdict, Refused) else None
