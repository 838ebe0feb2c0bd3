"""Make requirements.lock: every third-party dependency of every package here, pinned and hashed.

The packages of this repository depend on each other by name; those names are left out, since they are
installed from the tree. The lock carries no addresses. Run it with `make lock`.
"""

import subprocess
import sys
import tempfile
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
    with tempfile.NamedTemporaryFile("w", suffix=".in") as inputs:
        inputs.write("\n".join(third_party()) + "\n")
        inputs.flush()
        command = [
            Path(sys.executable).with_name("uv"), "pip", "compile", inputs.name, "--output-file", LOCK,
            "--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header", "--quiet",
        ]  # fmt: skip
        return subprocess.run([str(part) for part in command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
