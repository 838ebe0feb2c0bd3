"""A chain that went through every fork, and requests as a validator client makes them."""

from __future__ import annotations

import secrets
from typing import Any

from services.signer.tests.harness import SLOTS_PER_EPOCH, START

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork, ScheduledFork
from ssv_protocol.crypto.bls import SecretKey
from ssv_protocol.forks import Network
from ssv_protocol.networks import local_network
from ssv_protocol.types.ids import BlsPublicKey, Epoch, ExecutionAddress, ForkVersion, Root, Slot

GENESIS_ROOT = Root(b"\x11" * 32)
CLOCK = Slot(START + SLOTS_PER_EPOCH)
"""When requests are made: an epoch after the signer started, so that its keys attest."""
CLOCK_EPOCH = Epoch(CLOCK // SLOTS_PER_EPOCH)
FORKS = tuple(
    ScheduledFork(fork, ForkVersion(bytes([0x70, 0, 0, int(fork)])), Epoch(int(fork) - 1)) for fork in BeaconFork
)
CHAIN = BeaconChain(
    genesis_time_s=0,
    genesis_validators_root=GENESIS_ROOT,
    slot_duration_s=6.0,
    slots_per_epoch=SLOTS_PER_EPOCH,
    epochs_per_sync_committee_period=8,
    sync_committee_size=512,
    forks=FORKS,
)
NETWORK = Network(local_network(ExecutionAddress(bytes(20)), 6.0), CHAIN)
ROOT, OTHER_ROOT = "0x" + "aa" * 32, "0x" + "bb" * 32
SIGNATURE = "0x" + "cc" * 96
Json = dict[str, Any]


def new_key() -> SecretKey:
    return SecretKey.generate(secrets.token_bytes)


def hexed(data: bytes) -> str:
    return f"0x{data.hex()}"


def fork_info(of: int = CLOCK_EPOCH, **changes: str) -> Json:
    """What a caller on our chain sends for an object of epoch `of`."""
    number = max(number for number, fork in enumerate(FORKS) if fork.epoch <= of)
    fork = {
        "previous_version": hexed(FORKS[max(number - 1, 0)].version),
        "current_version": hexed(FORKS[number].version),
        "epoch": str(FORKS[number].epoch),
    }
    root = changes.pop("genesis_validators_root", hexed(GENESIS_ROOT))
    return {"fork": fork | changes, "genesis_validators_root": root}


def attestation_data(target: int = CLOCK_EPOCH, source: int | None = None, head: str = ROOT) -> Json:
    source = max(target - 1, 0) if source is None else source
    return {
        "slot": str(target * SLOTS_PER_EPOCH),
        "index": "0",
        "beacon_block_root": head,
        "source": {"epoch": str(source), "root": ROOT},
        "target": {"epoch": str(target), "root": ROOT},
    }


def header(slot: int = CLOCK, state: str = ROOT) -> Json:
    return {
        "slot": str(slot),
        "proposer_index": "7",
        "parent_root": ROOT,
        "state_root": state,
        "body_root": ROOT,
    }


def attestation(target: int = CLOCK_EPOCH, source: int | None = None, head: str = ROOT) -> Json:
    return {
        "type": "ATTESTATION",
        "fork_info": fork_info(target),
        "attestation": attestation_data(target, source, head),
    }


def block(slot: int = CLOCK, state: str = ROOT, version: str = "FULU") -> Json:
    return {
        "type": "BLOCK_V2",
        "fork_info": fork_info(slot // SLOTS_PER_EPOCH),
        "beacon_block": {"version": version, "block_header": header(slot, state)},
    }


def aggregate(slot: int = CLOCK, *, electra: bool = True) -> Json:
    data = attestation_data(slot // SLOTS_PER_EPOCH) | {"slot": str(slot)}
    plain: Json = {"aggregation_bits": "0x0101", "data": data, "signature": SIGNATURE}
    return {
        "aggregator_index": "7",
        "aggregate": plain | ({"committee_bits": "0x0100000000000000"} if electra else {}),
        "selection_proof": SIGNATURE,
    }


def contribution(slot: int = CLOCK, subcommittee: int = 3) -> Json:
    return {
        "aggregator_index": "7",
        "selection_proof": SIGNATURE,
        "contribution": {
            "slot": str(slot),
            "beacon_block_root": ROOT,
            "subcommittee_index": str(subcommittee),
            "aggregation_bits": "0x" + "f0" * 16,
            "signature": SIGNATURE,
        },
    }


def registration(pubkey: BlsPublicKey, timestamp: int | None = None) -> Json:
    now = int(CHAIN.slot_start(Slot(CLOCK))) if timestamp is None else timestamp
    return {
        "fee_recipient": "0x" + "12" * 20,
        "gas_limit": "36000000",
        "timestamp": str(now),
        "pubkey": hexed(pubkey),
    }


def deposit(pubkey: BlsPublicKey) -> Json:
    return {
        "pubkey": hexed(pubkey),
        "withdrawal_credentials": ROOT,
        "amount": "32000000000",
        "genesis_fork_version": hexed(FORKS[0].version),
    }


def every_type(pubkey: BlsPublicKey) -> list[Json]:
    """One request of each type that a signer by its defaults signs."""
    slot, info = str(CLOCK), fork_info()
    selection = {"slot": slot, "subcommittee_index": "2"}
    return [
        attestation(),
        block(),
        {"type": "AGGREGATION_SLOT", "fork_info": info, "aggregation_slot": {"slot": slot}},
        {
            "type": "AGGREGATE_AND_PROOF_V2",
            "fork_info": info,
            "aggregate_and_proof": {"version": "FULU", "data": aggregate()},
        },
        {"type": "RANDAO_REVEAL", "fork_info": info, "randao_reveal": {"epoch": str(CLOCK_EPOCH)}},
        {
            "type": "SYNC_COMMITTEE_MESSAGE",
            "fork_info": info,
            "sync_committee_message": {"beacon_block_root": ROOT, "slot": slot},
        },
        {
            "type": "SYNC_COMMITTEE_SELECTION_PROOF",
            "fork_info": info,
            "sync_aggregator_selection_data": selection,
        },
        {
            "type": "SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF",
            "fork_info": info,
            "contribution_and_proof": contribution(),
        },
        {
            "type": "VOLUNTARY_EXIT",
            "fork_info": info,
            "voluntary_exit": {"epoch": str(CLOCK_EPOCH), "validator_index": "7"},
        },
        {"type": "VALIDATOR_REGISTRATION", "validator_registration": registration(pubkey)},
    ]


def old_block(*, altair: bool = False) -> Json:
    """A whole block of Phase 0 or Altair, with an operation of each kind."""
    signed_header = {"message": header(1), "signature": SIGNATURE}
    indexed = {"attesting_indices": ["1", "2"], "data": attestation_data(0, 0), "signature": SIGNATURE}
    deposited = {
        "pubkey": "0x" + "0d" * 48,
        "withdrawal_credentials": ROOT,
        "amount": "1",
        "signature": SIGNATURE,
    }
    body: Json = {
        "randao_reveal": SIGNATURE,
        "eth1_data": {"deposit_root": ROOT, "deposit_count": "1", "block_hash": ROOT},
        "graffiti": ROOT,
        "proposer_slashings": [{"signed_header_1": signed_header, "signed_header_2": signed_header}],
        "attester_slashings": [{"attestation_1": indexed, "attestation_2": indexed}],
        "attestations": [{"aggregation_bits": "0x05", "data": attestation_data(0, 0), "signature": SIGNATURE}],
        "deposits": [{"proof": [ROOT] * 33, "data": deposited}],
        "voluntary_exits": [{"message": {"epoch": "0", "validator_index": "1"}, "signature": SIGNATURE}],
    }
    if altair:
        body["sync_aggregate"] = {"sync_committee_bits": "0x" + "ff" * 64, "sync_committee_signature": SIGNATURE}
    slot = SLOTS_PER_EPOCH if altair else 1
    return {"slot": str(slot), "proposer_index": "7", "parent_root": ROOT, "state_root": ROOT, "body": body}
