"""Where pods run, what they may use, and who looks at them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ssv_kube.model.fields import ObjectName, Part, Quantity

_Label = Annotated[str, StringConstraints(max_length=63)]
Labels = Annotated[dict[str, _Label], Field(max_length=32)]


class Resource(Part):
    """What one pod gets: a share of CPU without limit, and memory, requested and limited alike."""

    cpu: Quantity | None = Field(
        default=None, description="Request; there is no limit, because a throttled signer misses slots"
    )
    memory: Quantity | None = Field(default=None, description="Request and limit")


class Resources(Part):
    """By service; unset: as the preset has it."""

    signer: Resource = Field(default_factory=Resource)
    consensus: Resource = Field(default_factory=Resource)
    p2p_gateway: Resource = Field(default_factory=Resource)
    duty_scheduler: Resource = Field(default_factory=Resource)
    eth1_listener: Resource = Field(default_factory=Resource)
    nats: Resource = Field(default_factory=Resource)


class Toleration(Part):
    """A taint of nodes that pods bear."""

    key: Annotated[str, StringConstraints(max_length=316)] | None = None
    operator: Literal["Exists", "Equal"] = "Equal"
    value: _Label | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class Pods(Part):
    """What holds for all pods of the node."""

    node_selector: Labels = Field(default_factory=dict, description="Labels of the nodes that pods may run on")
    tolerations: Annotated[list[Toleration], Field(max_length=16)] = Field(default_factory=list)
    priority_class_name: ObjectName | None = Field(default=None, description="PriorityClass")
    image_pull_secrets: Annotated[list[ObjectName], Field(max_length=8)] = Field(default_factory=list)


class Monitoring(Part):
    """Who reads metrics and traces."""

    service_monitor: bool = Field(default=False, description="Make a ServiceMonitor; needs the Prometheus operator")
    service_monitor_labels: Labels = Field(default_factory=dict, description="Labels by which Prometheus finds it")
    namespace: ObjectName | None = Field(default=None, description="Namespace from which metrics may be read")
    otlp_endpoint: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=512)] | None = Field(
        default=None, description="Collector of traces (OTLP over HTTP)"
    )
    trace_sample_ratio: float = Field(default=1.0, ge=0, le=1, description="Part of the traces that are recorded")
