"""The tool that builds images here: docker, podman or buildah, whichever is there and answers.

CONTAINER_TOOL names another one of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess

TOOLS = ("docker", "podman", "buildah")


class ToolError(Exception):
    """There is no tool, or it failed; the text says what to do."""


def find_tool() -> str:
    """Return the tool's name; raises ToolError."""
    named = os.environ.get("CONTAINER_TOOL")
    silent = []
    for tool in (named,) if named else TOOLS:
        if shutil.which(tool) is None:
            continue
        asked = subprocess.run([tool, "info"], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            return tool
        silent.append(f"{tool} does not answer: {_last_line(asked.stderr)}")
    if silent:
        raise ToolError("; ".join(silent))
    wanted = named or ", ".join(TOOLS)
    raise ToolError(f"no builder of images was found; install one of: {wanted} (CONTAINER_TOOL names it)")


def run(*command: str) -> str:
    """Return what a command says; raises ToolError with its last line."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolError(f"{' '.join(command[:3])}: {_last_line(done.stderr)}")
    return done.stdout


def image_size(tool: str, reference: str) -> str:
    """Return an image's size, for people."""
    if tool == "buildah":
        (image,) = json.loads(run(tool, "images", "--json", reference))
        return str(image["size"])
    return f"{int(run(tool, 'image', 'inspect', '--format', '{{.Size}}', reference)) / 1e6:.0f} MB"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it says nothing"])[-1]
