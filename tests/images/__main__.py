"""`make images-check`: start every image as Kubernetes would, and see what it is and that it answers its health.

Each container runs without a network, with a read-only root, without capabilities, with the memory, command, files and
paths of its manifest. It must live, say why it is not ready (nothing of what it needs is there), and end in order.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.images.build import chosen, reference
from scripts.images.contents import ROOT
from scripts.images.tool import ToolError, find_tool, run

from tests.images.container import OPERATOR, Container, account_folder, api_server_environment, write_files

CLI = "cli"
USER_ID = "10001"
FILES = ROOT / "build" / "images" / "files"
_LIMIT_S = 60.0
_LOOK_S = 0.2
_PROGRAM = Path(__file__).with_name("inside.py").read_text()


def main() -> int:
    """Check all images that are named; returns the exit status."""
    failed = False
    try:
        tool = find_tool()
        if tool == "buildah":
            raise ToolError("buildah only builds; install docker or podman to run images")
        print(f"{'image':<28}{'lives after':>12}   what it waits for")
        for service in chosen():
            wrong, words = check(tool, service)
            failed |= bool(wrong)
            print(f"{reference(service):<28}{words}", *(f"  {each}" for each in wrong), sep="\n", flush=True)
    except ToolError as error:
        print(f"images-check: {error}", file=sys.stderr)
        return 1
    print("some images are not as they should be" if failed else "all run as uid 10001 on a read-only root")
    return 1 if failed else 0


def check(tool: str, service: str) -> tuple[list[str], str]:
    """Return what is wrong with an image, and a few words about it."""
    wrong = _wrong_labels(tool, service)
    if service == CLI:
        return wrong + _wrong_with_cli(tool), f"{'':>12}   its arguments"
    container = Container.of(service)
    with _running(tool, container) as (name, begun):
        seen = _look_until_it_lives(tool, name, container)
        lived_s = time.monotonic() - begun
        wrong += wrong_with(seen) + wrong_answers(seen["answers"])
        run(tool, "stop", "--time", "70", name)
        ended = run(tool, "inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", name).strip()
        if ended != "0 false":
            wrong.append(f"it ended with (exit code, out of memory) {ended}: {_said(tool, name)}")
    waits = ", ".join(json.loads(seen["answers"]["/readyz"][1])) if not wrong else "?"
    return wrong, f"{lived_s:>10.1f} s   {waits or 'nothing: it is ready'}"


def wrong_with(seen: dict[str, Any]) -> list[str]:
    """Return what a container should not be."""
    rules = {
        f"it runs as {seen['uids']}": set(seen["uids"]) == {USER_ID},
        f"it has capabilities {seen['capabilities']:x}": seen["capabilities"] == 0,
        "it may gain privileges": seen["no_new_privileges"],
        "its root can be written to": seen["read_only"],
        "its /tmp can't be written to": seen["tmp_writable"],
        f"there is {', '.join(seen['programs'])} in it": not seen["programs"],
    }
    return [text for text, holds in rules.items() if not holds]


def wrong_answers(answers: dict[str, list[Any]]) -> list[str]:
    """Return what is wrong with a service's answers about its health."""
    rules = {
        f"/livez says {answers['/livez']}": answers["/livez"][0] == 200,
        f"/readyz says {answers['/readyz']}": answers["/readyz"][0] in (200, 503),
        f"/metrics says {answers['/metrics'][:1]}": answers["/metrics"][0] == 200 and "ssv_" in answers["/metrics"][1],
    }
    return [text for text, holds in rules.items() if not holds]


def _wrong_with_cli(tool: str) -> list[str]:
    """The cli has no health: it is looked into, and asked for its help."""
    image, confined = reference(CLI), _confined("256Mi")
    words = run(tool, "run", "--rm", *confined, image, "--help")
    seen = json.loads(run(tool, "run", "--rm", *confined, "--entrypoint=python", image, "-c", _PROGRAM, "9"))
    return wrong_with(seen) + ([] if "ssvctl" in words else [f"its help says {words!r}"])


def _wrong_labels(tool: str, service: str) -> list[str]:
    (about,) = json.loads(run(tool, "image", "inspect", reference(service)))
    config = about["Config"]
    wrong = [] if config.get("User") == f"{USER_ID}:{USER_ID}" else [f"its user is {config.get('User')!r}"]
    labels = config.get("Labels") or {}
    version = reference(service).rpartition(":")[2]
    if labels.get("org.opencontainers.image.version") != version:
        wrong.append(f"its labels name no version {version}: {labels}")
    return wrong


@contextmanager
def _running(tool: str, container: Container) -> Iterator[tuple[str, float]]:
    """Run the container inside the block; gives its name and when it was started."""
    name = f"ssv-check-{container.service}-{os.getpid()}"
    files = FILES / container.service
    shutil.rmtree(files, ignore_errors=True)
    write_files(files, container.service)
    operator = container.service == OPERATOR
    folders = [*container.read_only, *([account_folder()] if operator else [])]
    env = container.env | (api_server_environment() if operator else {})
    flags = [f"--volume={files / each.lstrip('/')}:{each}:ro" for each in folders]
    flags += [f"--tmpfs={each}:mode=1777" for each in container.writable if each != "/tmp"]
    flags += [f"--env={key}={value}" for key, value in env.items()]
    program, *arguments = container.command
    begun = time.monotonic()
    run(
        tool, "run", "--detach", f"--name={name}", *_confined(container.memory), *flags, f"--entrypoint={program}",
        reference(container.service), *arguments,
    )  # fmt: skip
    try:
        yield name, begun
    finally:
        run(tool, "rm", "--force", name)
        shutil.rmtree(files, ignore_errors=True)


def _confined(memory: str) -> list[str]:
    return [
        "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none", "--tmpfs=/tmp",
        f"--memory={memory.removesuffix('i').lower()}",
    ]  # fmt: skip


def _look_until_it_lives(tool: str, name: str, container: Container) -> dict[str, Any]:
    ends = time.monotonic() + _LIMIT_S
    while True:
        try:
            said = run(tool, "exec", name, "python", "-c", _PROGRAM, str(container.health_port))
        except ToolError as error:
            raise ToolError(f"{container.service} does not run: {_said(tool, name)} ({error})") from None
        seen: dict[str, Any] = json.loads(said)
        if seen["answers"]["/livez"][0] or time.monotonic() > ends:
            return seen
        time.sleep(_LOOK_S)


def _said(tool: str, name: str) -> str:
    """Return the last lines of a container, of both its streams."""
    command = [tool, "logs", "--tail", "5", name]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


if __name__ == "__main__":
    sys.exit(main())
