"""Every container of the protocol, for tests that must hold for all of them."""

from dataclasses import is_dataclass

from ssv_protocol.types import (
    aggregator_committee_data,
    beacon_vote,
    contributions,
    duty,
    messages,
    operator,
    partial_signatures,
    proposer_data,
    qbft_message,
    share,
    validator_data,
)
from ssv_protocol.types.beacon import (
    attestation,
    capella,
    deneb,
    deposit,
    electra,
    exit,
    fulu,
    operations,
    registration,
    sync_committee,
)
from ssv_protocol.types.ssz import SszContainer

_BLOCK_MODULES = (capella, deneb, electra, fulu)
_MODULES = (
    aggregator_committee_data,
    attestation,
    beacon_vote,
    contributions,
    deposit,
    duty,
    exit,
    messages,
    operations,
    operator,
    partial_signatures,
    proposer_data,
    qbft_message,
    registration,
    share,
    sync_committee,
    validator_data,
)


def _containers(*modules: object) -> list[type[SszContainer]]:
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, SszContainer) and is_dataclass(value)
    }
    return sorted(found, key=lambda container: (container.__module__, container.__qualname__))


SMALL = [c for c in _containers(*_MODULES) if not c.__name__.startswith("_")]
BLOCKS = [c for c in _containers(*_BLOCK_MODULES) if c not in SMALL and not c.__name__.startswith("_")]


def name_of(container: type[SszContainer]) -> str:
    """Return "module.Class"."""
    return f"{container.__module__.rsplit('.', 1)[-1]}.{container.__qualname__}"
