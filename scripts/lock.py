"""Make requirements.lock: every third-party dependency of every package here, pinned and hashed.

The packages of this repository depend on each other by name; those names are left out, since they are
installed from the tree. The lock carries no addresses. It says in comments who needs a package: by them an image takes
only its own part (scripts/images/contents.py). Run it with `make lock`.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
OWN = ("ssv-", "ssvctl")


def third_party() -> list[str]:
    """Return the dependency lines of all packages and of the development group."""
    lines: set[str] = set()
    for file in sorted(ROOT.glob("*/pyproject.toml")) + sorted(ROOT.glob("*/*/pyproject.toml")):
        lines.update(tomllib.loads(file.read_text())["project"]["dependencies"])
    lines.update(tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"])
    return sorted(line for line in lines if not line.startswith(OWN))


def main() -> int:
    """Compile the lock with uv."""
    command = [
        Path(sys.executable).with_name("uv"), "pip", "compile", "-", "--output-file", LOCK,
        "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet",
    ]  # fmt: skip
    wanted = "\n".join(third_party()) + "\n"
    return subprocess.run([str(part) for part in command], input=wanted, text=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
