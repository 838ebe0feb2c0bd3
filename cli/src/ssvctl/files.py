"""Reading what the user names, and writing files that never replace another.

Invariant: a file appears under its name complete or not at all, with its permissions from the first byte on.
"""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from ssv_protocol.nesting import MAX_DEPTH, is_shallow
from ssvctl.errors import SsvctlError

PRIVATE = 0o600
PUBLIC = 0o644


def read_bytes(path: Path, what: str) -> bytes:
    """Return a file's bytes; raises SsvctlError naming `what` it should have been."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SsvctlError(f"{what} {path}: {error.strerror}; name a file that can be read") from None


def read_text(path: Path, what: str) -> str:
    """Return a file's text (UTF-8); raises SsvctlError."""
    try:
        return read_bytes(path, what).decode("utf-8")
    except UnicodeDecodeError:
        raise SsvctlError(f"{what} {path} is not text; is it the right file?") from None


def read_json(path: Path, what: str) -> Any:
    """Return a file's JSON value; raises SsvctlError."""
    text = read_text(path, what)
    if not is_shallow(text):
        raise SsvctlError(f"{what} {path} is nested deeper than {MAX_DEPTH} levels; is it the right file?")
    try:
        return json.loads(text)
    except ValueError:
        raise SsvctlError(f"{what} {path} is not JSON; is it the right file?") from None


def read_password(path: Path) -> str:
    """Return the password in a file without the white space around it; raises SsvctlError."""
    password = read_text(path, "password file").strip()
    if not password:
        raise SsvctlError(f"password file {path} is empty; write the password into it")
    return password


def refuse_existing(path: Path) -> None:
    """Raise SsvctlError if there is something under this name, or no folder to write to."""
    if path.exists() or path.is_symlink():
        raise SsvctlError(f"{path} exists already; choose another name or move it away")
    if not path.parent.is_dir():
        raise SsvctlError(f"folder {path.parent} does not exist; make it first")


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet; raises SsvctlError."""
    refuse_existing(path)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, path)  # unlike a rename, never over another file
    except FileExistsError:
        raise SsvctlError(f"{path} exists already; choose another name or move it away") from None
    except OSError as error:
        raise SsvctlError(f"{path} can't be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
