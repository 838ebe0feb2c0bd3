"""What an image holds: the folders of this repository and the part of requirements.lock that one service needs.

python scripts/images/contents.py packages SERVICE      # the part of the lock, for pip --require-hashes --no-deps
python scripts/images/contents.py folders SERVICE       # this repository's packages
python scripts/images/contents.py builder               # the part of the lock that builds this repository's packages

A service is a folder of services/, or `operator`, or `cli`. The lock says in comments (`# via …`) who needs a package,
so the part follows from it alone. Invariant: a package that is needed is never left out; one that only another service
needs, through an optional part of a shared package, may be in. Standard library only: it runs in a bare image.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BUILDERS = ("hatchling", "setuptools")
"""What builds this repository's packages, and those of the lock that come as source."""
_OUTSIDE = ("operator", "cli")
"""Images beside the services'; each is a folder of its own name."""
_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==")
_NAME = re.compile(r"^[A-Za-z0-9._-]+")


def images() -> list[str]:
    """Return the names of all images."""
    return sorted(each.parent.name for each in ROOT.glob("services/*/pyproject.toml")) + list(_OUTSIDE)


def folder_of(service: str) -> Path:
    """Return a service's folder; raises ValueError when there is no such image."""
    if service not in images():
        raise ValueError(f"SERVICE={service} is none; give one of {', '.join(images())}")
    return ROOT / service if service in _OUTSIDE else ROOT / "services" / service


def module_of(service: str) -> str:
    """Return the module that `python -m` runs a service by."""
    package: str = _project(folder_of(service))["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"][0]
    return Path(package).name


def folders(service: str) -> list[Path]:
    """Return the folders of this repository's packages that a service is made of, its own first."""
    made = ROOT.glob("libs/*/pyproject.toml")
    own = {_normal(_project(each.parent)["project"]["name"]): each.parent for each in made}
    found = [folder_of(service)]
    for folder in found:  # grows while it is gone through
        found += [own[name] for name in _requirements(folder) if name in own and own[name] not in found]
    return found


def packages(service: str) -> str:
    """Return the part of the lock that a service needs."""
    left_out = _project(folder_of(service)).get("tool", {}).get("ssv-image", {}).get("leave-out", ())
    needed = {name for folder in folders(service) for name in _requirements(folder)}
    return part_of_lock((ROOT / "requirements.lock").read_text(), needed - {_normal(each) for each in left_out})


def part_of_lock(lock: str, needed: Iterable[str]) -> str:
    """Return the entries of a lock that packages need, and what these need, without comments."""
    entries = dict(_entries(lock.splitlines()))
    chosen = {name for name in needed if name in entries}
    while more := {name for name, (_, via) in entries.items() if name not in chosen and via & chosen}:
        chosen |= more
    return "".join(text for name, (text, _) in entries.items() if name in chosen)


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, tuple[str, set[str]]]]:
    """Yield name, text and who needs it of each entry. A name with several entries (markers) comes as one."""
    found: dict[str, tuple[str, set[str]]] = {}
    name = ""
    for line in lines:
        if start := _ENTRY.match(line):
            name = _normal(start["name"])
        if not name:
            continue
        text, via = found.get(name, ("", set()))
        if line.lstrip().startswith("#"):
            word = line.strip(" #").removeprefix("via").strip()
            found[name] = (text, via | ({_normal(word)} if word else set()))
        else:
            found[name] = (f"{text}{line}\n", via)
    yield from found.items()


def _requirements(folder: Path) -> list[str]:
    return [_normal(match[0]) for each in _project(folder)["project"]["dependencies"] if (match := _NAME.match(each))]


def _project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str]) -> int:
    """Print what is asked for; returns the exit status."""
    what, *names = arguments
    try:
        if what == "packages":
            print(packages(*names), end="")
        elif what == "folders":
            print(*folders(*names), sep="\n")
        elif what == "module":
            print(module_of(*names))
        elif what == "builder":
            print(part_of_lock((ROOT / "requirements.lock").read_text(), BUILDERS), end="")
        else:
            raise ValueError(f"{what}: give packages, folders, module or builder")
    except (ValueError, TypeError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
