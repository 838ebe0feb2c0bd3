"""Who may read the operator's metrics, and how Prometheus finds them."""

from __future__ import annotations

from typing import Any

from kube_tests.chart.test_chart import example, refusal, rendered

MONITORED = {
    "monitoring": {"serviceMonitor": True, "namespace": "prometheus", "serviceMonitorLabels": {"release": "a"}}
}


def only(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [each for each in manifests if each["kind"] == kind]
    return found


def test_nobody_reads_them_unless_a_namespace_is_named() -> None:
    manifests = rendered()
    assert only(manifests, "NetworkPolicy")["spec"]["policyTypes"] == ["Ingress"]
    assert "ingress" not in only(manifests, "NetworkPolicy")["spec"]
    assert {"Service", "ServiceMonitor"} & {each["kind"] for each in manifests} == set()


def test_a_service_monitor_finds_the_operator_from_the_named_namespace() -> None:
    manifests = rendered(MONITORED)
    (rule,) = only(manifests, "NetworkPolicy")["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "prometheus"}}}]
    assert rule["ports"] == [{"port": "health", "protocol": "TCP"}]
    monitor, service = only(manifests, "ServiceMonitor"), only(manifests, "Service")
    pods = only(manifests, "Deployment")["spec"]["template"]
    assert monitor["metadata"]["labels"]["release"] == "a"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert service["spec"]["selector"].items() <= pods["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    (port,) = service["spec"]["ports"]
    assert endpoint["port"] == port["name"]
    assert port["targetPort"] in {each["name"] for each in pods["spec"]["containers"][0]["ports"]}


def test_monitoring_that_policies_would_keep_out_is_refused() -> None:
    assert "needs monitoring.namespace" in refusal({"monitoring": {"serviceMonitor": True}})
    values = example("single")
    values["node"]["spec"]["monitoring"] = {"serviceMonitor": True}
    assert "node.spec.monitoring.serviceMonitor needs namespace" in refusal(values)
    values["node"]["spec"]["networkPolicies"] = False
    assert rendered(values)
