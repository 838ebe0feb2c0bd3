"""How many pods a service has, and what each of them may use: the preset's table, and the spec over it.

`single` runs one pod a service. `ha` runs so many that any of them may go: two, three workers so that one's committees
are shared by two, three NATS servers because two have no majority without each other.
"""

from __future__ import annotations

from typing import Final

from ssv_kube.resources.node import Node
from ssv_runtime.names import CONSENSUS, DUTY_SCHEDULER, ETH1_LISTENER, P2P_GATEWAY, SIGNER

NATS: Final = "nats"
SERVICES: Final = (SIGNER, ETH1_LISTENER, P2P_GATEWAY, DUTY_SCHEDULER, CONSENSUS)
"""In the order of start and upgrade: each depends only on those before it and on NATS."""
COMPONENTS: Final = (NATS, *SERVICES)

_HA: Final = {SIGNER: 2, ETH1_LISTENER: 2, P2P_GATEWAY: 2, DUTY_SCHEDULER: 2, CONSENSUS: 3, NATS: 3}
# enough for a network of 150,000 validators: the listener, as it reads the history with its processes for signatures,
# comes to more than 512Mi, and the gateway remembers what many peers brought
_CPU_AND_MEMORY: Final = {
    SIGNER: ("250m", "512Mi"),
    ETH1_LISTENER: ("100m", "1Gi"),
    P2P_GATEWAY: ("500m", "1Gi"),
    DUTY_SCHEDULER: ("100m", "512Mi"),
    CONSENSUS: ("500m", "1Gi"),
    NATS: ("100m", "512Mi"),
}


def field_of(component: str) -> str:
    """Return the name of a component in parts of the spec."""
    return component.replace("-", "_")


def replicas(node: Node, component: str) -> int:
    """Return how many pods a component has."""
    wanted: int | None = getattr(node.spec.replicas, field_of(component))
    if wanted is not None:
        return wanted
    return _HA[component] if node.spec.preset == "ha" else 1


def has_nats(node: Node) -> bool:
    """Return whether the node has a NATS of its own."""
    return node.spec.nats.external is None


def container_resources(node: Node, component: str) -> dict[str, dict[str, str]]:
    """Return requests and limits: memory limited to what is requested, CPU not limited."""
    cpu, memory = _CPU_AND_MEMORY[component]
    own = getattr(node.spec.resources, field_of(component))
    memory = own.memory or memory
    return {"requests": {"cpu": own.cpu or cpu, "memory": memory}, "limits": {"memory": memory}}
