"""A registry in a file, to keep it or to compare it elsewhere: the messages that a watcher gets, one after the other.

    first line     ssv-registry 1
    then, often    length of a message (4 bytes, big-endian) ‖ RegistryUpdate

Source: proto/ssv/v1/registry.proto.
"""

from __future__ import annotations

from pathlib import Path

from google.protobuf.message import DecodeError

from ssv_api.v1 import registry_pb2 as pb
from ssv_runtime.registry_client import Assembler, RegistryView, updates
from ssvctl.errors import SsvctlError
from ssvctl.files import PUBLIC, read_bytes, write_new

_FIRST_LINE = b"ssv-registry 1\n"
_LENGTH_BYTES = 4


def write_registry(path: Path, view: RegistryView) -> None:
    """Write a file that is not there yet. Raises SsvctlError."""
    messages = [
        update.SerializeToString(deterministic=True)
        for update in updates(None, view.state, view.own_operator_id, view.head_block)
    ]
    framed = (len(message).to_bytes(_LENGTH_BYTES, "big") + message for message in messages)
    write_new(path, _FIRST_LINE + b"".join(framed), PUBLIC)


def read_registry(path: Path) -> RegistryView:
    """Return what `write_registry` wrote. Raises SsvctlError."""
    content = read_bytes(path, "registry")
    if not content.startswith(_FIRST_LINE):
        raise SsvctlError(f"{path} is no registry file; `ssvctl registry show --out FILE` writes one")
    assembler, at, view = Assembler(), len(_FIRST_LINE), None
    while at < len(content):
        end = at + _LENGTH_BYTES + int.from_bytes(content[at : at + _LENGTH_BYTES], "big")
        try:
            view = assembler.feed(pb.RegistryUpdate.FromString(content[at + _LENGTH_BYTES : end]))
        except DecodeError:
            view = None
            break
        at = end
    if view is None or at != len(content):
        raise SsvctlError(f"registry file {path} is damaged or cut short; write it anew")
    return view
