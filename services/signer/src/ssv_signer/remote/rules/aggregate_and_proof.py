"""AGGREGATE_AND_PROOF and AGGREGATE_AND_PROOF_V2: others' attestations, which an aggregator vouches for. Not slashable.

The second names its fork, for the aggregate has another form since Electra; the first is the form before.

Source: consensus-specs phase0/validator.md, electra/validator.md; remote-signing API.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_protocol.beacon_chain import BeaconChain, BeaconFork
from ssv_protocol.crypto.signing_root import DOMAIN_AGGREGATE_AND_PROOF, compute_signing_root
from ssv_protocol.signing.watermarks import KeyRecord
from ssv_protocol.types.beacon.attestation import (
    AggregateAndProof,
    ElectraAggregateAndProof,
    Phase0AggregateAndProof,
    aggregate_and_proof_type,
)
from ssv_protocol.types.ids import Epoch, Root
from ssv_protocol.types.ssz_json import from_json, mapping, required
from ssv_signer.remote.errors import Refused, RemoteReason
from ssv_signer.remote.rules.kind import Kind, View
from ssv_signer.remote.rules.versions import check_version, read_version, versioned_schema
from ssv_signer.remote.ssz_schema import Components, Schema, container_schema


@dataclass(frozen=True, slots=True)
class AggregateRequest:
    """An aggregate with its proof; `version` is None where the request does not name its fork."""

    version: BeaconFork | None
    message: AggregateAndProof


def read(plain: object, place: str) -> AggregateRequest:
    """Read the object of AGGREGATE_AND_PROOF_V2; raises Malformed."""
    version = read_version(plain, place)
    data = required(mapping(plain, place), "data", place)
    return AggregateRequest(version, from_json(aggregate_and_proof_type(version), data, f"{place}.data"))


def read_before_electra(plain: object, place: str) -> AggregateRequest:
    """Read the object of AGGREGATE_AND_PROOF; raises Malformed."""
    return AggregateRequest(None, from_json(Phase0AggregateAndProof, plain, place))


def schema(components: Components) -> Schema:
    """Describe the object of AGGREGATE_AND_PROOF_V2."""
    before = [fork for fork in BeaconFork if fork < BeaconFork.ELECTRA]
    since = [fork for fork in BeaconFork if fork >= BeaconFork.ELECTRA]
    return {
        "oneOf": [
            versioned_schema(before, "data", container_schema(Phase0AggregateAndProof, components)),
            versioned_schema(since, "data", container_schema(ElectraAggregateAndProof, components)),
        ]
    }


def epoch(chain: BeaconChain, item: AggregateRequest) -> Epoch:
    """Return the epoch whose fork it is signed under."""
    return chain.epoch_of(item.message.aggregate.data.slot)


def signing_root(chain: BeaconChain, item: AggregateRequest) -> Root:
    """Return what is signed."""
    domain = chain.domain(DOMAIN_AGGREGATE_AND_PROOF, epoch(chain, item))
    return compute_signing_root(item.message.hash_tree_root(), domain)


def check(view: View, item: AggregateRequest, root: Root) -> KeyRecord | Refused:
    """Judge it by its form and its time."""
    of = epoch(view.chain, item)
    if item.version is not None:
        refused = check_version(view.chain, item.version, of)
    elif view.chain.fork_at(of).fork >= BeaconFork.ELECTRA:
        refused = Refused(RemoteReason.WRONG_VERSION, f"the form before Electra in epoch {of}")
    else:
        refused = None
    return refused or view.too_early(of) or view.record


KIND = Kind("AGGREGATE_AND_PROOF_V2", "aggregate_and_proof", read, schema, epoch, signing_root, check)
BEFORE_ELECTRA_KIND = Kind(
    "AGGREGATE_AND_PROOF",
    "aggregate_and_proof",
    read_before_electra,
    lambda components: container_schema(Phase0AggregateAndProof, components),
    epoch,
    signing_root,
    check,
)
