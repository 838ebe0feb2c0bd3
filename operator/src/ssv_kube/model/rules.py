"""What no single field can say: rules in CEL, checked by the API server, each with a sentence that names the remedy.

Source: Kubernetes, "CustomResourceDefinition validation rules"; CEL language definition.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssv_kube.model.names import MAX_NAME_LENGTH

LOCAL = "local"
SAFE_PROPOSER_DELAY_MS = 1650
"""The consensus service refuses more without `unsafe_proposer_delay`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL expression over `self` (and `oldSelf`: then it holds for changes) and what is said when it is false."""

    rule: str
    message: str

    def manifest(self) -> dict[str, str]:
        """Return it as the API server wants it."""
        return {"rule": self.rule, "message": self.message}


RESOURCE_RULES = (
    Rule(
        f"self.metadata.name.size() <= {MAX_NAME_LENGTH} && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        f"the name must be at most {MAX_NAME_LENGTH} letters, digits and hyphens and begin with a letter; "
        "names of pods are made of it",
    ),
)
"""Over the whole resource."""

SPEC_RULES = (
    Rule(
        "self.preset != 'ha' || (has(self.signer) && has(self.signer.database))",
        "preset ha needs PostgreSQL: name its Secret in signer.database, or take preset single",
    ),
    Rule(
        "!has(self.replicas) || !has(self.replicas.signer) || self.replicas.signer == 1 "
        "|| (has(self.signer) && has(self.signer.database))",
        "several signers need one PostgreSQL: name its Secret in signer.database, or leave replicas.signer at 1; "
        "signers with a record each would sign twice",
    ),
    Rule(
        "(has(self.signer) && has(self.signer.database)) == (has(oldSelf.signer) && has(oldSelf.signer.database))",
        "the signer's database can't be changed: a new one knows nothing of what was signed. Export the slashing "
        "record, delete this node, make a new one and import the record there",
    ),
    Rule(
        "has(self.storage) == has(oldSelf.storage) && (!has(self.storage) || self.storage == oldSelf.storage)",
        "storage can't be changed, because a StatefulSet's can't; enlarge the PersistentVolumeClaims themselves",
    ),
    Rule(
        "!has(self.proposerDelayMs) "
        f"|| self.proposerDelayMs <= {SAFE_PROPOSER_DELAY_MS} "
        "|| (has(self.allowUnsafeProposerDelay) && self.allowUnsafeProposerDelay)",
        f"a proposerDelayMs of more than {SAFE_PROPOSER_DELAY_MS} loses blocks; allowUnsafeProposerDelay allows it",
    ),
    Rule(
        "!has(self.exporter) || !self.exporter.enabled",
        "the exporter does not exist in this version; leave exporter.enabled false",
    ),
    Rule(
        "!has(self.graffiti) || bytes(self.graffiti).size() <= 32",
        "graffiti has more than 32 bytes; letters outside of ASCII take several",
    ),
    Rule(
        "!has(self.nats) || !has(self.nats.external) || !has(self.replicas) || !has(self.replicas.nats)",
        "replicas.nats is for an own NATS; leave it out, or leave out nats.external",
    ),
)

NETWORK_RULES = (
    Rule(
        "self.name == oldSelf.name",
        "the network can't be changed: keys, record and registry belong to it. Make another node for another network",
    ),
    Rule(
        f"self.name == '{LOCAL}' || (!has(self.contract) && !has(self.fromBlock))",
        "contract and fromBlock are for the local network only; leave them out",
    ),
    Rule(
        f"self.name != '{LOCAL}' || has(self.contract) || has(self.configMap)",
        "a local network needs contract, the address of its SSV contract, or configMap",
    ),
)
