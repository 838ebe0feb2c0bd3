"""From share signatures to validator signatures, a whole slot at a time.

All reconstructed signatures over one root are verified in one blinded batch. Only when that fails is each
one looked at, and only for a bad one are its share signatures verified to find who sent the bad share.

Pure and slow (milliseconds): the shell runs it in a thread; the libraries release the GIL.

Source: ssv-spec ssv/partial_sig_container.go (reconstruction, fallback).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ssv_protocol.crypto import bls
from ssv_protocol.crypto.bls import RandomBytes
from ssv_protocol.effects import Combine, Combined, CombinedAll, ShareSignatures
from ssv_protocol.errors import ProtocolError
from ssv_protocol.types.ids import BlsSignature, OperatorId, Root


def combine(job: Combine, random_bytes: RandomBytes) -> CombinedAll:
    """Reconstruct and verify every item; a failed item names the operators whose shares were bad."""
    signatures = [_reconstruct(item) for item in job.items]
    by_root: dict[Root, list[int]] = defaultdict(list)
    for position, item in enumerate(job.items):
        by_root[item.root].append(position)
    results: list[Combined | None] = [None] * len(job.items)
    for root, positions in by_root.items():
        for position, result in zip(
            positions,
            _check_batch([job.items[p] for p in positions], [signatures[p] for p in positions], root, random_bytes),
            strict=True,
        ):
            results[position] = result
    return CombinedAll(tuple(result for result in results if result is not None))


def bad_shares(item: ShareSignatures) -> frozenset[OperatorId]:
    """Return the operators whose share signature does not verify, unknown operators among them."""
    return frozenset(
        operator_id
        for operator_id, signature in item.partials.items()
        if operator_id not in item.share_pubkeys
        or not bls.verify(item.share_pubkeys[operator_id], item.root, signature)
    )


def _check_batch(
    items: Sequence[ShareSignatures],
    signatures: Sequence[BlsSignature | None],
    root: Root,
    random_bytes: RandomBytes,
) -> list[Combined]:
    whole = [
        (item.validator_pubkey, signature)
        for item, signature in zip(items, signatures, strict=True)
        if signature is not None
    ]
    batch_is_good = len(whole) == len(items) and bls.verify_batch(whole, root, random_bytes)
    return [
        Combined(item.validator_index, root, signature) if batch_is_good else _check_one(item, signature)
        for item, signature in zip(items, signatures, strict=True)
    ]


def _check_one(item: ShareSignatures, signature: BlsSignature | None) -> Combined:
    if signature is not None and bls.verify(item.validator_pubkey, item.root, signature):
        return Combined(item.validator_index, item.root, signature)
    return Combined(item.validator_index, item.root, None, bad_shares(item))


def _reconstruct(item: ShareSignatures) -> BlsSignature | None:
    try:
        return bls.reconstruct(item.partials)
    except ProtocolError:
        return None
