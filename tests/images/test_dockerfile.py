"""The Dockerfile's rules, and that chart and operator ask of images only what is in them."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import yaml
from scripts.images.contents import ROOT, images, module_of

from ssv_kube.hooks import before_delete, release_test
from ssv_kube.model.spec import SSVNodeSpec
from ssv_kube.resources.images import Images
from ssv_kube.resources.pods import USER_ID
from ssv_kube.resources.ports import OPERATOR_HEALTH
from ssv_kube.resources.sizing import SERVICES
from ssv_kube.settings import OperatorSettings
from ssv_runtime.names import CLI
from tests.images.container import OPERATOR, Container, operator_pod, service_pod

Instruction = tuple[str, str]
VARIABLE = re.compile(r"\$\{?(\w+)\}?")


def instructions() -> list[Instruction]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def last_stage() -> list[Instruction]:
    found = instructions()
    begins = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[begins:]


def values_of(name: str, among: list[Instruction]) -> list[str]:
    return [value for each, value in among if each == name]


def test_nothing_is_in_the_last_stage_but_what_is_copied_into_it() -> None:
    assert values_of("FROM", last_stage()) == ["scratch"]
    assert {name for name, _ in last_stage()} == {"FROM", "ARG", "COPY", "ENV", "LABEL", "USER", "ENTRYPOINT"}
    assert all(value.startswith("--from=build ") for value in values_of("COPY", last_stage()))


def test_the_user_is_a_number_and_the_one_of_the_manifests() -> None:
    assert values_of("USER", instructions()) == [f"{USER_ID}:{USER_ID}"]
    for pod in (service_pod("signer"), operator_pod()):
        assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (USER_ID, USER_ID)


def test_base_images_have_a_fixed_version() -> None:
    defaults = dict(value.partition("=")[::2] for value in values_of("ARG", instructions()))
    stages = {value.partition(" AS ")[2] for value in values_of("FROM", instructions())}
    for value in values_of("FROM", instructions()):
        base = VARIABLE.sub(lambda found: defaults[found[1]], value.partition(" AS ")[0])
        tag = base.rpartition("/")[2].partition(":")[2]
        assert base in stages | {"scratch"} or re.match(r"\d+\.\d+", tag), f"{base} may change under our feet"
    assert not re.search(r"^# *syntax", (ROOT / "Dockerfile").read_text(), re.MULTILINE), "it would be pulled"


def test_what_comes_from_elsewhere_comes_by_hash() -> None:
    commands = [each.strip() for value in values_of("RUN", instructions()) for each in value.split("&&")]
    installing = [each for each in commands if re.search(r"pip\b.* (install|wheel)\b", each)]
    assert len(installing) == 4
    for each in installing:
        own = "/wanted/folders" in each and "--no-build-isolation" in each and "--no-deps" in each
        assert "--require-hashes" in each or "--no-index" in each or own, each
    assert not [each for each in commands if re.search(r"\b(apt|apt-get|curl|wget|git)\b", each)]
    assert not values_of("ADD", instructions())


def test_labels_say_what_it_is() -> None:
    labels = dict(each.partition("=")[::2] for value in values_of("LABEL", last_stage()) for each in shlex.split(value))
    prefix = "org.opencontainers.image."
    for name in ("title", "description", "version", "revision", "licenses", "base.name"):
        assert labels[prefix + name]
    default = dict(value.partition("=")[::2] for value in values_of("ARG", last_stage()))["VERSION"]
    assert default == yaml.safe_load((ROOT / "helm" / "ssv" / "Chart.yaml").read_text())["appVersion"]


def test_there_is_an_image_of_everything_that_is_run_from_one() -> None:
    assert {*SERVICES, OPERATOR, CLI} <= set(images())


@pytest.mark.parametrize("service", images())
def test_every_image_has_an_entry(service: str) -> None:
    assert importlib.util.find_spec(f"{module_of(service)}.__main__") is not None
    assert values_of("ENTRYPOINT", last_stage()) == ['["service"]']


@pytest.mark.parametrize("service", [*SERVICES, OPERATOR])
def test_manifests_start_what_the_image_has(service: str) -> None:
    container = Container.of(service)
    assert container.command[:3] == ["python", "-m", module_of(service)]
    (path,) = [shlex.split(value) for value in values_of("ENV", last_stage()) if "PATH=" in value]
    assert "PATH=/opt/ssv/bin" in path
    assert any("venv" in value and "/opt/ssv" in value for value in values_of("RUN", instructions()))
    assert "/tmp" in container.writable


def test_manifests_name_images_that_are_built() -> None:
    (operator,) = operator_pod()["containers"]
    version = yaml.safe_load((ROOT / "helm" / "ssv" / "Chart.yaml").read_text())["appVersion"]
    assert operator["image"] == f"ssv/{OPERATOR}:{version}"
    repository = Images("ssv", version, "nats:0")
    assert {repository.of(each) for each in SERVICES} <= {f"ssv/{each}:{version}" for each in images()}


def test_the_operators_port_is_the_one_of_the_chart() -> None:
    assert Container.of(OPERATOR).health_port == OPERATOR_HEALTH
    assert OperatorSettings.model_fields["health_port"].default == OPERATOR_HEALTH


def test_hooks_are_modules_of_the_operators_image() -> None:
    texts = "".join(path.read_text() for path in Path(ROOT / "helm" / "ssv" / "templates").rglob("*.yaml"))
    assert set(re.findall(r'"module" "([\w.]+)"', texts)) == {before_delete.__name__, release_test.__name__}


def test_only_what_is_needed_is_sent_to_the_builder() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert {"!requirements.lock", "!scripts/images", "!libs", "!services", "!operator", "!cli"} <= set(lines)
    assert {"**/tests", "**/kube_tests"} <= set(lines)


def test_the_example_is_a_node() -> None:
    assert SSVNodeSpec.model_validate(
        yaml.safe_load((ROOT / "helm/ssv/examples/single.yaml").read_text())["node"]["spec"]
    )
