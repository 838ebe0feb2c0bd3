"""`python -m tests.kube.assets`: the control plane's programs, and where they are.

They are taken from KUBEBUILDER_ASSETS where that is set, else from a cache outside of the repository, into which they
are built once from the Go modules named in `modules/`. A build is whole or not there: a program gets its name last.

Standard output: the folder. Exit status 3: they are not there and there is no Go to build them; standard output has a
line that says so. 1: building failed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

MODULES = Path(__file__).parent / "modules"
NO_GO = 3
_SETTING = "KUBEBUILDER_ASSETS"
_ROOTS = {"etcd": "go.etcd.io/etcd/server/v3", "kubernetes": "k8s.io/kubernetes", "helm": "helm.sh/helm/v4"}


@dataclass(frozen=True, slots=True)
class Program:
    """One program: its name, its Go package, and the module in whose folder it is built."""

    name: str
    package: str
    module: str


PROGRAMS = (
    Program("etcd", "go.etcd.io/etcd/server/v3", "etcd"),
    Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", "kubernetes"),
    Program("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager", "kubernetes"),
    Program("kubectl", "k8s.io/kubernetes/cmd/kubectl", "kubernetes"),
    Program("helm", "helm.sh/helm/v4/cmd/helm", "helm"),
)


class NoAssets(Exception):
    """The programs are not there; the text says why, or what to do."""


class BuildFailed(Exception):
    """There is a Go, and it could not build them."""


def version(module: str) -> str:
    """Return the version of what a folder of `modules/` builds."""
    text = (MODULES / module / "go.mod").read_text()
    found = re.search(rf"^(?:require)?\s*{re.escape(_ROOTS[module])} (v\S+)", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"modules/{module}/go.mod names no version")
    return found[1]


def folder() -> Path:
    """Return where the programs are or would be built."""
    given = os.environ.get(_SETTING)
    if given:
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    lock = sha256(b"".join(file.read_bytes() for file in sorted(MODULES.glob("*/go.*")))).hexdigest()[:8]
    return cache / "ssv-kube-assets" / f"kubernetes-{version('kubernetes')}-{lock}"


def program(name: str) -> Path:
    """Return one program's file; raises NoAssets."""
    file = folder() / name
    if file.exists():
        return file
    given = os.environ.get(_SETTING)
    elsewhere = shutil.which(name) if given else None
    if elsewhere is not None:
        return Path(elsewhere)
    remedy = f"put it into {given}" if given else "`make e2e-api` builds it"
    raise NoAssets(f"{name} is not there; {remedy}")


def build() -> Path:
    """Build what is missing, with a line for each; returns the folder. Raises NoAssets, BuildFailed."""
    where = folder()
    missing = [each for each in PROGRAMS if not (where / each.name).exists()]
    if os.environ.get(_SETTING) or not missing:
        for each in PROGRAMS:
            program(each.name)
        return where
    go = shutil.which("go")
    if go is None:
        raise NoAssets(f"there is no Go to build a control plane with, and {_SETTING} is not set")
    suits = subprocess.run([go, "list", "-m"], cwd=MODULES / "kubernetes", capture_output=True, text=True, check=False)
    if suits.returncode != 0:
        raise NoAssets(f"this Go can't build a control plane: {' '.join(suits.stderr.split())}")
    where.mkdir(parents=True, exist_ok=True)
    _say(f"building {len(missing)} programs into {where}, once; Kubernetes takes some minutes")
    for each in missing:
        _build(go, each, where)
    return where


def _build(go: str, wanted: Program, where: Path) -> None:
    started_s = time.monotonic()
    made = where / f".{wanted.name}.{os.getpid()}"
    command = ["nice", "-n", "10", go, "build", "-mod=readonly", "-trimpath", "-ldflags", _flags(wanted)]
    environment = {**os.environ, "CGO_ENABLED": "0"}
    done = subprocess.run(
        [*command, "-o", str(made), wanted.package],
        cwd=MODULES / wanted.module,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildFailed(f"{wanted.name} could not be built: {done.stderr.strip()[-1500:]}")
    made.rename(where / wanted.name)
    size_mb = (where / wanted.name).stat().st_size / 1e6
    _say(f"{wanted.name} {version(wanted.module)}: {time.monotonic() - started_s:.0f} s, {size_mb:.0f} MB")


def _flags(wanted: Program) -> str:
    if wanted.module != "kubernetes":
        return "-s -w"
    full = version(wanted.module)
    major, minor, _ = full.removeprefix("v").split(".")
    said = {"gitVersion": full, "gitMajor": major, "gitMinor": minor}  # else it takes itself for version 0
    return " ".join(["-s", "-w", *(f"-X k8s.io/component-base/version.{key}={text}" for key, text in said.items())])


def _say(text: str) -> None:
    print(f"kube assets: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        print(build())
    except NoAssets as error:
        print(error)
        sys.exit(NO_GO)
    except BuildFailed as error:
        _say(str(error))
        sys.exit(1)
