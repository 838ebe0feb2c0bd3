"""Which validators have registered, each with its latest valid registration.

Invariant: a registration is only held if its validator signed it, it is not from the future, and it is not older than
the one before.

Source: builder-specs specs/bellatrix/builder.md `process_registration`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.bls import verify
from ssv_protocol.crypto.signing_root import DOMAIN_APPLICATION_BUILDER, compute_signing_root
from ssv_protocol.types.beacon.registration import SignedValidatorRegistration, ValidatorRegistration
from ssv_protocol.types.ids import GENESIS_EPOCH, BlsPublicKey

MAX_REGISTRATION_LOOKAHEAD_S = 10


@dataclass(frozen=True, slots=True)
class Registered:
    """A validator's latest registration, and how many valid ones came, repetitions included."""

    signed: SignedValidatorRegistration
    count: int

    @property
    def message(self) -> ValidatorRegistration:
        """What the validator signed."""
        return self.signed.message


class RegistrationBook:
    """Registrations on `chain`; `now` returns unix seconds."""

    def __init__(self, chain: BeaconChain, now: Callable[[], float]) -> None:
        self._domain = chain.domain(DOMAIN_APPLICATION_BUILDER, GENESIS_EPOCH)
        self._now = now
        self._registered: dict[BlsPublicKey, Registered] = {}
        self.refused = 0

    def all(self) -> list[Registered]:
        """Return every validator's registration, in the order in which they came first."""
        return list(self._registered.values())

    def of(self, pubkey: BlsPublicKey) -> ValidatorRegistration | None:
        """Return the validator's registration if there is one."""
        registered = self._registered.get(pubkey)
        return registered.message if registered else None

    def take(self, batch: Sequence[SignedValidatorRegistration]) -> list[str]:
        """Hold the good ones of `batch`; returns what is wrong with each of the others. May run in a thread."""
        problems = []
        for place, signed in enumerate(batch):
            known = self._registered.get(signed.message.pubkey)
            problem = self._problem(signed, known)
            if problem is None:
                self._registered[signed.message.pubkey] = Registered(signed, known.count + 1 if known else 1)
            else:
                problems.append(f"registration {place} of 0x{signed.message.pubkey.hex()}: {problem}")
        self.refused += len(problems)
        return problems

    def _problem(self, signed: SignedValidatorRegistration, known: Registered | None) -> str | None:
        if known is not None and signed == known.signed:
            return None
        message = signed.message
        if message.timestamp > self._now() + MAX_REGISTRATION_LOOKAHEAD_S:
            return "the timestamp lies in the future"
        if known is not None and message.timestamp < known.message.timestamp:
            return "a later one is known"
        root = compute_signing_root(message.hash_tree_root(), self._domain)
        return None if verify(message.pubkey, root, signed.signature) else "the signature is wrong"
