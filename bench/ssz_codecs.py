"""SSZ codecs: py-ssz with the canonical check against the compiled codec of the hot wire types.

Prints a table of best-of times and writes build/bench/ssz.json. py-ssz keeps what it has hashed, so the
roots are those of a warm cache.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ssv_protocol.types.aggregator_committee_data import AggregatorCommitteeConsensusData, AssignedAggregator
from ssv_protocol.types.beacon import electra, fulu
from ssv_protocol.types.beacon.attestation import AttestationData, Checkpoint, ElectraAttestation
from ssv_protocol.types.beacon.operations import Eth1Data
from ssv_protocol.types.beacon.sync_committee import SyncAggregate
from ssv_protocol.types.fast_codec import FastSszContainer
from ssv_protocol.types.ids import (
    BlsSignature,
    Epoch,
    ExecutionAddress,
    Height,
    MessageId,
    OperatorId,
    Root,
    Round,
    RsaSignature,
    Slot,
    ValidatorIndex,
)
from ssv_protocol.types.messages import SignedSSVMessage, SSVMessage
from ssv_protocol.types.partial_signatures import PartialSignature, PartialSignatures
from ssv_protocol.types.qbft_message import QbftMessage
from ssv_protocol.types.ssz import SszContainer

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench" / "ssz.json"
ROOT = Root(bytes(range(32)))
SIGNATURE = BlsSignature(bytes(96))


def partial_signatures(count: int) -> PartialSignatures:
    """Return a batch of `count` signatures."""
    one = [
        PartialSignature(SIGNATURE, Root(i.to_bytes(32, "little")), OperatorId(1), ValidatorIndex(i))
        for i in range(count)
    ]
    return PartialSignatures(0, Slot(9_000_000), tuple(one))


def qbft(round_changes: tuple[bytes, ...] = (), prepares: tuple[bytes, ...] = ()) -> QbftMessage:
    """Return a QBFT message."""
    return QbftMessage(1, Height(9_000_000), Round(2), bytes(56), ROOT, Round(0), round_changes, prepares)


def signed(message: QbftMessage, full_data: bytes = b"", signers: int = 1) -> SignedSSVMessage:
    """Return the envelope of a QBFT message."""
    ids = tuple(OperatorId(i + 1) for i in range(signers))
    inner = SSVMessage(0, MessageId(bytes(56)), message.encode())
    return SignedSSVMessage(tuple(RsaSignature(bytes(256)) for _ in ids), ids, inner, full_data)


def messages() -> dict[str, FastSszContainer]:
    """Return the values of the hot wire types."""
    prepare = signed(qbft())
    round_change = signed(qbft((prepare.encode(),) * 3))
    proposal = qbft((round_change.encode(),) * 3, (prepare.encode(),) * 3)
    return {
        "PartialSignature": partial_signatures(1).messages[0],
        "PartialSignatures, 1": partial_signatures(1),
        "PartialSignatures, 16": partial_signatures(16),
        "PartialSignatures, 500": partial_signatures(500),
        "SSVMessage": prepare.ssv_message,
        "QbftMessage, prepare": qbft(),
        "QbftMessage, justified proposal": proposal,
        "SignedSSVMessage, prepare": prepare,
        "SignedSSVMessage, decided by 3": signed(qbft(), bytes(112), signers=3),
        "SignedSSVMessage, justified proposal": signed(proposal, bytes(112)),
        "SignedSSVMessage, block of 300 kB": signed(qbft(), bytes(300_000)),
        "ElectraAttestation of 30,000": attestation(30_000),
        "AggregatorCommitteeConsensusData": aggregates(500),
        "BlockContents, 300 txs, 6 blobs": block_contents(transactions=300, blobs=6),
    }


def attestation(bits: int) -> ElectraAttestation:
    """Return an attestation of all committees."""
    checkpoint = Checkpoint(Epoch(1), ROOT)
    data = AttestationData(Slot(1), 0, ROOT, checkpoint, checkpoint)
    return ElectraAttestation((True,) * bits, data, SIGNATURE, (True,) * 64)


def aggregates(validators: int) -> AggregatorCommitteeConsensusData:
    """Return the value of a committee that aggregates in every beacon committee."""
    return AggregatorCommitteeConsensusData(
        6,
        tuple(AssignedAggregator(ValidatorIndex(i), SIGNATURE, i % 64) for i in range(validators)),
        tuple(range(64)),
        (attestation(500).encode(),) * 64,
        (),
        (),
    )


def block_contents(transactions: int, blobs: int) -> fulu.BlockContents:
    """Return a block with transactions of 700 bytes and blobs with their 128 proofs."""
    payload = fulu.ExecutionPayload(
        ROOT, ExecutionAddress(bytes(20)), ROOT, ROOT, bytes(256), ROOT, 1, 1, 1, 1, b"", 1, ROOT,
        tuple(i.to_bytes(700, "little") for i in range(transactions)), (), 0, 0,
    )  # fmt: skip
    body = fulu.BeaconBlockBody(
        randao_reveal=SIGNATURE,
        eth1_data=Eth1Data(ROOT, 1, ROOT),
        graffiti=ROOT,
        proposer_slashings=(),
        attester_slashings=(),
        attestations=(attestation(30_000),) * 8,
        deposits=(),
        voluntary_exits=(),
        sync_aggregate=SyncAggregate((True,) * 512, SIGNATURE),
        execution_payload=payload,
        bls_to_execution_changes=(),
        blob_kzg_commitments=(bytes(48),) * blobs,
        execution_requests=electra.ExecutionRequests((), (), ()),
    )
    block = fulu.BeaconBlock(Slot(1), ValidatorIndex(1), ROOT, ROOT, body)
    return fulu.BlockContents(block, (bytes(48),) * (128 * blobs), (bytes(131_072),) * blobs)


def best_us(action: Callable[[], object]) -> float:
    """Return the shortest of several averages, in microseconds."""
    started = time.perf_counter()
    action()
    once_s = time.perf_counter() - started
    loops = max(1, min(2_000, int(0.02 / max(once_s, 1e-7))))
    averages = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(loops):
            action()
        averages.append((time.perf_counter() - started) / loops)
    return min(averages) * 1e6


def compare(name: str, value: FastSszContainer) -> dict[str, Any]:
    """Time both codecs on one value."""
    encoded = value.encode()
    assert SszContainer.encode(value) == encoded
    py_ssz_decode: Any = SszContainer.decode.__func__  # type: ignore[attr-defined]
    return {
        "value": name,
        "bytes": len(encoded),
        "encode_py_ssz_us": best_us(lambda: SszContainer.encode(value)),
        "encode_us": best_us(value.encode),
        "decode_py_ssz_us": best_us(lambda: py_ssz_decode(type(value), encoded)),
        "decode_us": best_us(lambda: type(value).decode(encoded)),
    }


def rooted() -> dict[str, SszContainer]:
    """Return values whose hash tree root is signed."""
    block = block_contents(transactions=300, blobs=6).block
    return {"AttestationData": attestation(1).data, "BeaconBlock, 300 transactions": block}


def main() -> None:
    """Print the tables and write the JSON."""
    rows = [compare(name, value) for name, value in messages().items()]
    print(f"{'microseconds':38}{'bytes':>8}{'encode':>10}{'py-ssz':>10}{'':>6}{'decode':>10}{'py-ssz':>10}")
    for row in rows:
        encode, decode = row["encode_us"], row["decode_us"]
        print(
            f"{row['value']:38}{row['bytes']:8}{encode:10.1f}{row['encode_py_ssz_us']:10.1f}"
            f"{row['encode_py_ssz_us'] / encode:5.0f}x{decode:10.1f}{row['decode_py_ssz_us']:10.1f}"
            f"{row['decode_py_ssz_us'] / decode:5.0f}x"
        )
    times = {name: best_us(value.hash_tree_root) for name, value in rooted().items()}
    print(f"\n{'hash tree root, microseconds':38}")
    for name, time_us in times.items():
        print(f"{name:38}{'':8}{time_us:10.1f}")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps({"codecs": rows, "roots_us": times}, indent=1) + "\n")


if __name__ == "__main__":
    main()
