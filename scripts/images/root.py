"""The root of an image: a Python environment, its standard library, and the libraries that all of it loads.

/opt/ssv/bin/python scripts/images/root.py FOLDER MODULE     # run by the environment that goes into the image

Beside Python there are the authorities of TLS, two users (root and 10001), an empty /tmp, licences, and for scanners
the entries of the Debian packages that libraries came from. Everything is compiled, because the root is read-only.
Invariant: a library that is needed and can't be found fails the build.
Not guaranteed: libraries that a package opens by name at run time, unless Python's packages bring them.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

USER_ID = 10001
_LEFT_OUT = (
    "__pycache__", "*-packages", "config-*", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tests",
    "tkinter", "turtledemo", "venv", "_test*", "_tkinter*", "_xx*", "xxlimited*",
)  # fmt: skip
_SOURCES = ("__pycache__", "*.c", "*.cc", "*.cpp", "*.h", "*.hpp", "*.pyx", "*.pxd", "*.a")
"""What only a compiler wants, of packages that bring it."""
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_COPIED = ("/etc/os-release", "/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf", "/etc/ld.so.cache", _AUTHORITIES)
_WRITTEN = {
    "etc/passwd": f"root:x:0:0:root:/:\nssv:x:{USER_ID}:{USER_ID}:ssv:/tmp:\n",
    "etc/group": f"root:x:0:\nssv:x:{USER_ID}:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
_STARTER = """#!{python}
import runpy
import sys

sys.argv[0] = "{module}"
runpy.run_module("{module}", run_name="__main__", alter_sys=True)
"""


def make_root(root: Path, module: str) -> None:
    """Fill the folder."""
    environment, library = Path(sys.prefix), Path(sysconfig.get_path("stdlib"))
    _starter(environment / "bin" / "service", module)
    for folder in (environment, library):
        shutil.copytree(
            folder,
            _inside(root, folder),
            symlinks=folder == environment,
            ignore=shutil.ignore_patterns(*(_LEFT_OUT if folder == library else _SOURCES)),
            ignore_dangling_symlinks=True,
        )
    for link in ("/lib", "/lib64"):
        if Path(link).is_symlink() and not _inside(root, Path(link)).is_symlink():
            _inside(root, Path(link)).symlink_to(os.readlink(link))
    copy_file(root, Path(sys.executable))
    for file in map(Path, _COPIED):
        if file.exists():
            copy_file(root, file)
    brought = {copy_file(root, Path(each)) for file in list(_programs(root)) for each in _loaded(root, file)}
    _packages(root, brought)
    for name, text in _WRITTEN.items():
        (root / name).write_text(text)
    licence = root / "usr/share/doc/ssv/LICENSE"
    licence.parent.mkdir(parents=True)
    shutil.copy(Path(__file__).parents[2] / "LICENSE", licence)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    compileall.compile_dir(
        root,
        quiet=2,
        stripdir=str(root),
        prependdir="/",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        workers=0,
    )


def _starter(path: Path, module: str) -> None:
    path.write_text(_STARTER.format(python=sys.executable, module=module))
    path.chmod(0o755)


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def copy_file(root: Path, path: Path) -> Path:
    """Copy a file, and what it is a link to, each to where it really lies; returns where the file lies."""
    place = path.parent.resolve() / path.name
    target = _inside(root, place)
    target.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink():
        if not target.is_symlink():
            target.symlink_to(os.readlink(place))
        return copy_file(root, place.parent / os.readlink(place))
    if not target.exists():
        shutil.copy2(place, target)
    return place


def _programs(root: Path) -> Iterator[Path]:
    """Yield programs and libraries."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def _loaded(root: Path, file: Path) -> list[str]:
    """Return the libraries that a program or library loads, as they lie outside of the root."""
    asked = subprocess.run(["ldd", Path("/") / file.relative_to(root)], capture_output=True, text=True, check=False)
    if "not found" in asked.stdout:
        raise SystemExit(f"{file}: a library is missing:\n{asked.stdout}")
    found = re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", asked.stdout, re.MULTILINE)
    return [each for each in found if not Path(each).is_relative_to(sys.prefix)]


def _packages(root: Path, libraries: set[Path]) -> None:
    """Write down which Debian packages libraries came from, and their licences."""
    names = {name for library in libraries for name in _owners(library)}
    folder = root / "var/lib/dpkg/status.d"
    folder.mkdir(parents=True)
    for name in sorted(names):
        entry = subprocess.run(["dpkg-query", "--status", name], capture_output=True, text=True, check=True).stdout
        (folder / name).write_text(entry)
        licence = Path("/usr/share/doc") / name / "copyright"
        if licence.exists():
            copy_file(root, licence)


def _owners(library: Path) -> list[str]:
    """Return the package of a library; none for one that no package brought."""
    for path in (str(library), str(library).removeprefix("/usr")):
        asked = subprocess.run(["dpkg-query", "--search", path], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            return [asked.stdout.partition(":")[0]]
    return []


if __name__ == "__main__":
    make_root(Path(sys.argv[1]), sys.argv[2])
