"""The jobs among the examples fit a node as the operator makes it: certificates, labels, names, ports, and the cli."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from kube_tests.chart.test_chart import CHART
from ssv_kube.handlers.farewell import FILE, record_secrets
from ssv_kube.resources.certificates import CA_KEY, CERTIFICATE_KEY, PRIVATE_KEY_KEY
from ssv_kube.resources.mounts import tls_secret
from ssv_kube.resources.node import Node
from ssv_kube.resources.objects import child_name, selector
from ssv_kube.resources.pods import pod_frame, restricted
from ssv_kube.resources.ports import GRPC
from ssv_protocol.signing.interchange import Interchange
from ssv_protocol.types.ids import Root
from ssv_runtime.names import CLI, SIGNER
from ssvctl.main import app
from ssvctl.operator_certificates import CertificateFolder

Example = Callable[..., Node]


def job() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((CHART / "examples" / "jobs" / "import-slashing-record.yaml").read_text())
    return made


def pod() -> dict[str, Any]:
    made: dict[str, Any] = job()["spec"]["template"]["spec"]
    return made


@pytest.mark.parametrize("version", ["1.29.0", "1.34.0", "1.37.0"])
def test_kubernetes_knows_all_of_it(version: str) -> None:
    kubernetes_validate.validate(job(), version, strict=True)


def test_the_signer_hears_it(example: Example) -> None:
    node = example("single")
    labels = job()["spec"]["template"]["metadata"]["labels"]
    assert selector(node, CLI) == labels
    arguments = pod()["containers"][0]["args"]
    assert arguments[arguments.index("--signer") + 1] == f"{child_name(node, SIGNER)}:{GRPC}"


def test_it_is_as_restricted_as_a_nodes_pods(example: Example) -> None:
    frame = pod_frame(example("single"), CLI)
    security = pod()["securityContext"]
    assert security.items() <= frame["securityContext"].items()
    (container,) = pod()["containers"]
    assert container["securityContext"] == restricted()
    assert container["resources"]["limits"] == {"memory": container["resources"]["requests"]["memory"]}
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert container["image"] == f"ssv/{CLI}:{version}"


def test_it_finds_its_certificate_and_the_record(example: Example) -> None:
    node = example("single")
    volumes = {each["name"]: each.get("secret") for each in pod()["volumes"]}
    certificates = CertificateFolder(Path("/certificates"))
    wanted = {
        CA_KEY: certificates.ca,
        CERTIFICATE_KEY: certificates.certificate(CLI),
        PRIVATE_KEY_KEY: certificates.key(CLI),
    }
    assert volumes["certificates"]["secretName"] == tls_secret(node, CLI)
    assert {each["key"]: each["path"] for each in volumes["certificates"]["items"]} == {
        key: path.name for key, path in wanted.items()
    }
    (secret,) = record_secrets(node, Interchange(Root(bytes(32)), ()))
    assert len(volumes["record"]["secretName"]) == len(secret["metadata"]["name"])
    assert f"/record/{FILE}" in pod()["containers"][0]["args"]


def test_the_cli_takes_its_arguments() -> None:
    result = CliRunner().invoke(app, pod()["containers"][0]["args"])
    assert result.exit_code == 1
    assert "slashing records /record/slashing.json" in result.stderr
