"""Who proposes on the devnet as long as every block comes: known before the network is started.

The genesis validators have interop keys and 32 ETH each, a RANDAO reveal has one possible value, and whose turn it is
in an epoch follows from the reveals up to the end of the epoch before the last. So slots up to the end of epoch 1 are
certain, and later ones until a block is missing.

Not guaranteed: anything once a validator has been slashed, has left, or has lost a part of its effective balance.

Source: consensus-specs phase0/beacon-chain.md (`get_seed`, `compute_shuffled_index`, `process_randao`),
electra/beacon-chain.md `compute_proposer_index`, fulu/beacon-chain.md `proposer_lookahead`.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from ssv_devnet.interop import interop_secret_key
from ssv_protocol.beacon_chain import BeaconChain
from ssv_protocol.crypto.signing_root import (
    DOMAIN_BEACON_PROPOSER,
    DOMAIN_RANDAO,
    compute_signing_root,
    uint64_root,
)
from ssv_protocol.types.ids import Epoch, Slot, ValidatorIndex

GENESIS_MIX = b"B" * 32
"""The block hash of the deposit chain that Lodestar's interop genesis begins with."""
_SHUFFLE_ROUNDS = 90
_EFFECTIVE_BALANCE_ETH = 32
_MAX_EFFECTIVE_BALANCE_ETH = 2048
_MAX_RANDOM = 2**16 - 1
_RANDOM_BYTES = 2
_DIGEST_BYTES = 32
_POSITIONS_PER_DIGEST = 256


def forecast(chain: BeaconChain, validators: int, until: Epoch) -> dict[Slot, ValidatorIndex]:
    """Return the proposer of every slot before epoch `until`; slot 0's has nothing to do.

    Args:
        chain: gives the signing domains, so the genesis validators root matters.
        validators: of the genesis, with the interop keys 0 … `validators` - 1.
        until: first epoch that is left out.
    """
    proposers: dict[Slot, ValidatorIndex] = {}
    mixes = [GENESIS_MIX, GENESIS_MIX]  # the mix that decides each epoch
    for epoch in map(Epoch, range(until)):
        seed = sha256(DOMAIN_BEACON_PROPOSER + _uint64(epoch) + mixes[epoch]).digest()
        first = chain.first_slot(epoch)
        for slot in map(Slot, range(first, first + chain.slots_per_epoch)):
            proposers[slot] = _proposer(sha256(seed + _uint64(slot)).digest(), validators)
        mixes.append(_mix_after(chain, epoch, mixes[-1], proposers))
    return proposers


def _mix_after(chain: BeaconChain, epoch: Epoch, mix: bytes, proposers: dict[Slot, ValidatorIndex]) -> bytes:
    """Return the RANDAO mix at the end of `epoch`, given the one at its begin."""
    root = compute_signing_root(uint64_root(epoch), chain.domain(DOMAIN_RANDAO, epoch))
    first = chain.first_slot(epoch)
    for slot in map(Slot, range(max(first, 1), first + chain.slots_per_epoch)):
        digest = sha256(interop_secret_key(proposers[slot]).sign(root)).digest()
        mix = bytes(a ^ b for a, b in zip(mix, digest, strict=True))
    return mix


def _proposer(seed: bytes, validators: int) -> ValidatorIndex:
    for place, random_value in enumerate(_random_values(seed)):
        candidate = shuffled_index(place % validators, validators, seed)
        if _MAX_EFFECTIVE_BALANCE_ETH * random_value <= _EFFECTIVE_BALANCE_ETH * _MAX_RANDOM:
            return ValidatorIndex(candidate)
    raise AssertionError("random values never end")


def _random_values(seed: bytes) -> Iterator[int]:
    number = 0
    while True:
        digest = sha256(seed + _uint64(number)).digest()
        for start in range(0, _DIGEST_BYTES, _RANDOM_BYTES):
            yield int.from_bytes(digest[start : start + _RANDOM_BYTES], "little")
        number += 1


def shuffled_index(index: int, count: int, seed: bytes) -> int:
    """Return where the swap-or-not shuffle of `count` places takes `index`."""
    for round_number in range(_SHUFFLE_ROUNDS):
        in_round = seed + bytes([round_number])
        pivot = int.from_bytes(sha256(in_round).digest()[:8], "little") % count
        flip = (pivot + count - index) % count
        position = max(index, flip)
        digest = sha256(in_round + (position // _POSITIONS_PER_DIGEST).to_bytes(4, "little")).digest()
        if digest[position % _POSITIONS_PER_DIGEST // 8] >> position % 8 & 1:
            index = flip
    return index


def _uint64(value: int) -> bytes:
    return value.to_bytes(8, "little")
