"""`make images`: build the image of each service and print their sizes.

IMAGES (all)             which ones, with spaces between them
IMAGE_REPOSITORY (ssv)   tags are <repository>/<service>:<tag>
IMAGE_TAG                the chart's appVersion, which its manifests ask for
IMAGE_PUSH               1: push each one when it is built
IMAGE_FLAGS              more flags for the builder, such as --network=host
CONTAINER_TOOL           docker, podman or buildah; else the first that answers
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import yaml
from scripts.images.contents import ROOT, images
from scripts.images.tool import ToolError, find_tool, image_size, run

LOGS = ROOT / "build" / "images"
_SHOWN_LINES = 30


def version() -> str:
    """Return the tag that the chart asks for."""
    return str(yaml.safe_load((ROOT / "helm" / "ssv" / "Chart.yaml").read_text())["appVersion"])


def reference(service: str) -> str:
    """Return the name and tag of a service's image."""
    return f"{os.environ.get('IMAGE_REPOSITORY') or 'ssv'}/{service}:{os.environ.get('IMAGE_TAG') or version()}"


def chosen() -> list[str]:
    """Return which images are meant."""
    return os.environ.get("IMAGES", "").split() or images()


def build(tool: str, service: str) -> None:
    """Build one; raises ToolError."""
    log = LOGS / f"{service}.log"
    tag = reference(service)
    command = [
        tool, "build", *os.environ.get("IMAGE_FLAGS", "").split(), "--tag", tag, "--build-arg", f"SERVICE={service}",
        "--build-arg", f"VERSION={tag.rpartition(':')[2]}", "--build-arg", f"REVISION={_revision()}", str(ROOT),
    ]  # fmt: skip
    with log.open("w") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        last = "\n".join(log.read_text().splitlines()[-_SHOWN_LINES:])
        raise ToolError(f"{last}\nthe image of {service} could not be built; the whole output is in {log}")


def _revision() -> str:
    try:
        changed = run("git", "-C", str(ROOT), "status", "--porcelain").strip()
        return run("git", "-C", str(ROOT), "rev-parse", "HEAD").strip() + ("-changed" if changed else "")
    except ToolError:
        return ""


def main() -> int:
    """Build them all; returns the exit status."""
    LOGS.mkdir(parents=True, exist_ok=True)
    try:
        tool = find_tool()
        print(f"{'image':<28}{'size':>8}{'built in':>10}     with {tool}")
        for service in chosen():
            begun = time.monotonic()
            build(tool, service)
            tag = reference(service)
            if os.environ.get("IMAGE_PUSH"):
                run(tool, "push", tag)
            print(f"{tag:<28}{image_size(tool, tag):>8}{time.monotonic() - begun:>8.0f} s", flush=True)
    except ToolError as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
