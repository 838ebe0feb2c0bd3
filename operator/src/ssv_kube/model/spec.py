"""What a staking provider says about a node: `SSVNode.spec`.

Keys and passwords are only ever named (a Secret and its key), never given. What is None is left to the preset or to
the services' own defaults.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ssv_kube.model.exposure import Peering
from ssv_kube.model.fields import MAX_ENDPOINTS, DataKey, HttpUrl, ObjectName, Part, Quantity
from ssv_kube.model.placement import Monitoring, Pods, Resources

PRESETS = ("single", "ha")
NETWORKS = ("mainnet", "hoodi", "sepolia", "holesky", "local")


class NetworkSpec(Part):
    """Which SSV network. Genesis, slot time and forks are read from the beacon node, once."""

    name: Literal["mainnet", "hoodi", "sepolia", "holesky", "local"] = Field(description="The SSV network")
    contract: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")] | None = Field(
        default=None, description="SSV contract, of a local network only"
    )
    from_block: int | None = Field(
        default=None, ge=0, description="Block of a local contract's creation, or one before it"
    )
    config_map: ObjectName | None = Field(
        default=None,
        description="ConfigMap with network.json, as `ssvctl network make` writes it, instead of the beacon node's",
    )


class Endpoints(Part):
    """Nodes of one kind of client."""

    endpoints: Annotated[list[HttpUrl], Field(min_length=1, max_length=MAX_ENDPOINTS)] = Field(
        description="HTTP or HTTPS addresses, the preferred one first"
    )


class Execution(Endpoints):
    """Execution nodes, and how the contract is read from them."""

    follow_distance: int | None = Field(
        default=None, ge=0, le=1024, description="Blocks to stay behind the head; unset: as the listener has it"
    )
    finalized_only: bool = Field(default=False, description="Read finalised blocks only, about 15 minutes behind")


class OperatorKey(Part):
    """Where the operator's RSA key lies."""

    secret_name: ObjectName = Field(description="Secret in the node's namespace")
    key: DataKey = Field(default="operator_key.json", description="Its key with the keystore or the PEM")
    password_key: DataKey | None = Field(
        default=None, description="Its key with the keystore's password; unset for a key that is not encrypted"
    )


class Database(Part):
    """A PostgreSQL that all replicas of the signer share."""

    secret_name: ObjectName = Field(description="Secret with the connection string")
    key: DataKey = Field(default="dsn", description="Its key with the connection string")
    port: int = Field(default=5432, ge=1, le=65535, description="The server's port, that the signer may connect to")
    replicated: bool = Field(
        default=False, description="Whether it has standby servers: then one must be synchronous, or no signer is ready"
    )


class Signer(Part):
    """The keeper of keys and of the record of everything signed."""

    database: Database | None = Field(default=None, description="PostgreSQL; none: SQLite on a volume, one replica")
    keep_history: bool = Field(
        default=False,
        description="Keep everything signed, for complete exports of the record; about 100 bytes each for ever",
    )
    cold_start: Literal["witness", "trust-disk"] = Field(
        default="witness",
        description="witness: committees wait for an epoch when nobody can tell that the record is the latest. "
        "trust-disk: the record on the volume is believed, which must never be restored from a copy",
    )


class Replicas(Part):
    """How many pods of each service; unset: as the preset has it."""

    signer: int | None = Field(default=None, ge=1, le=5)
    consensus: int | None = Field(default=None, ge=1, le=50)
    p2p_gateway: int | None = Field(default=None, ge=1, le=10)
    duty_scheduler: int | None = Field(default=None, ge=1, le=3)
    eth1_listener: int | None = Field(default=None, ge=1, le=3)
    nats: Literal[1, 3] | None = Field(default=None)


class Storage(Part):
    """Volumes, each of them for one pod."""

    class_name: ObjectName | None = Field(default=None, description="StorageClass; unset: the cluster's default")
    signer: Quantity = Field(
        default="2Gi", description="Record and shares (SQLite); on a local or replicated block device"
    )
    p2p_gateway: Quantity = Field(default="100Mi", description="Network key")
    eth1_listener: Quantity = Field(default="4Gi", description="Registry")
    nats: Quantity = Field(default="4Gi", description="Streams")


class ExternalNats(Part):
    """A NATS with JetStream that somebody else runs."""

    url: Annotated[str, StringConstraints(pattern=r"^(nats|tls)://[^\s@]+$", max_length=1024)] = Field(
        description="Servers, several with commas between them; without user and password"
    )
    passwords_secret: ObjectName = Field(description="Secret with a password for each service, by the service's name")
    ca_key: DataKey | None = Field(
        default=None, description="The same Secret's key with the servers' authority (PEM); unset: a public one"
    )
    replicas: Literal[1, 3] = Field(default=1, description="Servers that keep each stream: 3 where there are three")


class Nats(Part):
    """The bus between the services."""

    external: ExternalNats | None = Field(default=None, description="Use this one instead of an own one")


class Builder(Part):
    """Blocks that others build."""

    enabled: bool = Field(default=True, description="Whether validators are registered with builders")
    boost_percent: int | None = Field(
        default=None, ge=0, le=1000, description="Weight of a builder's bid; unset: as the beacon node has it"
    )


class Exporter(Part):
    """Decided messages and participation as a service. Not there yet."""

    enabled: bool = Field(default=False, description="Refused while the service does not exist")


class Certificates(Part):
    """Who issues the certificates by which services know each other."""

    issuer: Literal["auto", "operator", "cert-manager"] = Field(
        default="auto",
        description="auto: cert-manager when it is installed as the node is made, else this operator; it stays so",
    )


class SSVNodeSpec(Part):
    """One SSV operator."""

    preset: Literal["single", "ha"] = Field(
        default="single", description="single: one pod a service; ha: any pod may die, needs PostgreSQL"
    )
    network: NetworkSpec
    beacon: Endpoints
    execution: Execution
    operator_key: OperatorKey
    signer: Signer = Field(default_factory=Signer)
    replicas: Replicas = Field(default_factory=Replicas)
    resources: Resources = Field(default_factory=Resources)
    storage: Storage = Field(default_factory=Storage)
    nats: Nats = Field(default_factory=Nats)
    gas_limit: int | None = Field(
        default=None, ge=1, description="For builders; the same for all operators of a committee"
    )
    graffiti: Annotated[str, StringConstraints(max_length=32)] | None = Field(
        default=None, description="What blocks carry, at most 32 bytes"
    )
    builder: Builder = Field(default_factory=Builder)
    proposer_delay_ms: int = Field(
        default=0, ge=0, le=4000, description="How long after its slot's start a block is asked for"
    )
    allow_unsafe_proposer_delay: bool = Field(default=False, description="Allow more than 1650 ms, which loses blocks")
    same_roots: bool = Field(
        default=False, description="Agree only to votes with the checkpoints that the own beacon node sees"
    )
    doppelganger_protection: bool = Field(
        default=True,
        description="Validators wait for two epochs, or for the other operators to sign, before they attest and "
        "propose, unless the signer proves that they never stopped here",
    )
    on_slashing: Literal["stop-validator", "stop-all", "ignore"] = Field(
        default="stop-validator", description="What has no duties any more when an own validator was slashed"
    )
    exporter: Exporter = Field(default_factory=Exporter)
    monitoring: Monitoring = Field(default_factory=Monitoring)
    p2p: Peering = Field(default_factory=Peering)
    certificates: Certificates = Field(default_factory=Certificates)
    network_policies: bool = Field(
        default=True, description="Whether traffic is denied by default and allowed one by one"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged"
    )
    pods: Pods = Field(default_factory=Pods)
