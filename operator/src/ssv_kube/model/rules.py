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

_HAS_DATABASE = "(has(self.signer) && has(self.signer.database))"
_DISCOVERS = "(has(self.p2p) && has(self.p2p.discovery) && self.p2p.discovery)"
_SEVERAL_GATEWAYS = (
    "(has(self.replicas) && has(self.replicas.p2pGateway) ? self.replicas.p2pGateway > 1 : self.preset == 'ha')"
)
_BY_NODE_PORT = "(has(self.p2p.exposure) && self.p2p.exposure.type == 'NodePort')"

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
    Rule(
        f"!{_HAS_DATABASE} || !has(self.signer.coldStart) || self.signer.coldStart != 'trust-disk'",
        "signer.coldStart trust-disk is for a record on the signer's own volume; with signer.database leave it out",
    ),
    Rule(
        f"{_DISCOVERS} || !has(self.p2p) || !(has(self.p2p.announceIp) || has(self.p2p.announceTcpPort) "
        "|| has(self.p2p.announceUdpPort) || (has(self.p2p.bootnodes) && self.p2p.bootnodes.size() > 0))",
        "bootnodes, announceIp, announceTcpPort and announceUdpPort are for discovery; set p2p.discovery, or leave "
        "them out",
    ),
    Rule(
        f"!{_DISCOVERS} || (has(self.p2p.bootnodes) && self.p2p.bootnodes.size() > 0) || has(self.network.configMap)",
        "p2p.discovery needs somebody to ask first: name records (enr:…) of your network in p2p.bootnodes, or a "
        "network file with some in network.configMap",
    ),
    Rule(
        "!has(self.p2p) || !has(self.p2p.announceIp) || !(self.p2p.announceIp in ['0.0.0.0', '::'])",
        "nobody can reach announceIp 0.0.0.0 or ::; name the address that peers dial, or leave it out",
    ),
    Rule(
        "!has(self.p2p) || !has(self.p2p.announceUdpPort) || has(self.p2p.announceIp)",
        "announceUdpPort without announceIp is not announced; name the address too, or leave both to what peers say",
    ),
    Rule(
        f"!has(self.p2p) || !has(self.p2p.announceIp) || !{_SEVERAL_GATEWAYS} || {_BY_NODE_PORT}",
        "several gateways share one announceIp only behind NodePorts, which differ; leave announceIp out, or set "
        "replicas.p2pGateway to 1",
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
