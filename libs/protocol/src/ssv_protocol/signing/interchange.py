"""Slashing protection files in the interchange format that all validator clients share (EIP-3076, version 5).

A file says what keys have signed: of each its blocks and attestations, all of them (complete form) or only the
highest (minimal form). A key here is the one that signs. For an SSV operator that is a *share*: the record of a share
protects neither the validator's whole key nor the shares of other operators.

Invariant: `parse` takes only what it fully understood. A file with a fault in one entry is refused in whole, because a
record that is left out is a signature that nobody remembers.

Not looked at: whether what a file reports is slashable in itself, such as two blocks in one slot or a source after its
target. It was signed, so it counts.

Source: EIP-3076.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ssv_protocol.errors import SsvError
from ssv_protocol.nesting import MAX_DEPTH, is_shallow
from ssv_protocol.types.ids import BlsPublicKey, Epoch, Root, Slot

FORMAT_VERSION = "5"
_MAX_UINT64 = 2**64 - 1
_SHOWN_CHARACTERS = 110
_ROOT_BYTES, _PUBLIC_KEY_BYTES = 32, 48
_AGAIN = "export the file again"

T = TypeVar("T")


class InterchangeInvalid(SsvError):
    """The file can't be taken; the text begins with the field and ends with the remedy."""


@dataclass(frozen=True, slots=True)
class SignedBlock:
    """A block that was signed; the root only where the file gives it."""

    slot: Slot
    signing_root: Root | None = None


@dataclass(frozen=True, slots=True)
class SignedAttestation:
    """An attestation that was signed; the root only where the file gives it."""

    source: Epoch
    target: Epoch
    signing_root: Root | None = None


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """What one key has signed, in the file's order. A file may have several of one key; they add up."""

    pubkey: BlsPublicKey
    blocks: tuple[SignedBlock, ...] = ()
    attestations: tuple[SignedAttestation, ...] = ()


@dataclass(frozen=True, slots=True)
class Interchange:
    """A whole file."""

    genesis_validators_root: Root
    keys: tuple[KeyHistory, ...]


def parse(content: str | bytes) -> Interchange:
    """Read a file in either form; raises InterchangeInvalid."""
    if not is_shallow(content):
        raise InterchangeInvalid(f"the file is nested deeper than {MAX_DEPTH} levels; is it the right one?")
    try:
        document = json.loads(content, object_pairs_hook=_without_repeats)
    except ValueError:
        raise InterchangeInvalid("the file is not JSON; is it the right one?") from None
    fields = _fields(document, "the file")
    metadata = _fields(fields.get("metadata"), "metadata")
    version = metadata.get("interchange_format_version")
    if version != FORMAT_VERSION:
        raise InterchangeInvalid(
            f"metadata.interchange_format_version is {_shown(version)} and not {_shown(FORMAT_VERSION)}; "
            f"{_AGAIN} with a current version of the client that wrote it"
        )
    root = Root(metadata.octets("genesis_validators_root", _ROOT_BYTES))
    return Interchange(root, fields.items("data", _parse_key))


def check_network(interchange: Interchange, genesis_validators_root: Root) -> None:
    """Raise InterchangeInvalid, with both roots, unless the file is of the network with this root."""
    if interchange.genesis_validators_root != genesis_validators_root:
        raise InterchangeInvalid(
            "metadata.genesis_validators_root is that of another network: the file has "
            f"0x{interchange.genesis_validators_root.hex()}, this network 0x{genesis_validators_root.hex()}; "
            "give the file that was exported for this network"
        )


def encode(interchange: Interchange) -> bytes:
    """Return the content of a file."""
    document = {
        "metadata": {
            "interchange_format_version": FORMAT_VERSION,
            "genesis_validators_root": _hex(interchange.genesis_validators_root),
        },
        "data": [
            {
                "pubkey": _hex(key.pubkey),
                "signed_blocks": [
                    {"slot": str(block.slot), **_encoded_root(block.signing_root)} for block in key.blocks
                ],
                "signed_attestations": [
                    {
                        "source_epoch": str(attestation.source),
                        "target_epoch": str(attestation.target),
                        **_encoded_root(attestation.signing_root),
                    }
                    for attestation in key.attestations
                ],
            }
            for key in interchange.keys
        ],
    }
    return json.dumps(document, indent=2).encode()


@dataclass(frozen=True, slots=True)
class _Fields:
    """A JSON object and where in the file it is."""

    values: Mapping[str, Any]
    path: str

    def get(self, name: str) -> Any:
        if name not in self.values:
            raise InterchangeInvalid(f"{self.name_of(name)} is missing; {_AGAIN}")
        return self.values[name]

    def items(self, name: str, read: Callable[[_Fields], T]) -> tuple[T, ...]:
        listed, path = self.get(name), self.name_of(name)
        if not isinstance(listed, list):
            raise InterchangeInvalid(f"{path} is no list; {_AGAIN}")
        return tuple(read(_fields(item, f"{path}[{place}]")) for place, item in enumerate(listed))

    def number(self, name: str) -> int:
        text = self.get(name)
        # a number in quotes, as the format has it: JSON's own numbers lose digits in some programs
        if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= len(str(_MAX_UINT64)):
            value = int(text)
            if value <= _MAX_UINT64:
                return value
        raise InterchangeInvalid(
            f'{self.name_of(name)} is {_shown(text)} and no 64-bit number in quotes, such as "7"; {_AGAIN}'
        )

    def octets(self, name: str, size: int) -> bytes:
        text = self.get(name)
        if isinstance(text, str) and text.startswith("0x") and len(text) == 2 + 2 * size:
            try:
                return bytes.fromhex(text[2:])
            except ValueError:
                pass
        raise InterchangeInvalid(
            f"{self.name_of(name)} is {_shown(text)} and not 0x and {2 * size} hex digits; {_AGAIN}"
        )

    def root(self) -> Root | None:
        if self.values.get("signing_root") is None:
            return None
        return Root(self.octets("signing_root", _ROOT_BYTES))

    def name_of(self, name: str) -> str:
        return name if self.path == "the file" else f"{self.path}.{name}"


def _fields(value: object, path: str) -> _Fields:
    if not isinstance(value, dict):
        raise InterchangeInvalid(f"{path} is no JSON object; {_AGAIN}")
    return _Fields(value, path)


def _parse_key(fields: _Fields) -> KeyHistory:
    return KeyHistory(
        BlsPublicKey(fields.octets("pubkey", _PUBLIC_KEY_BYTES)),
        fields.items("signed_blocks", lambda block: SignedBlock(Slot(block.number("slot")), block.root())),
        fields.items(
            "signed_attestations",
            lambda attestation: SignedAttestation(
                Epoch(attestation.number("source_epoch")), Epoch(attestation.number("target_epoch")), attestation.root()
            ),
        ),
    )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InterchangeInvalid(f"an object has a field twice, of {', '.join(sorted(fields))}; {_AGAIN}")
    return fields


def _shown(value: object) -> str:
    return json.dumps(value)[:_SHOWN_CHARACTERS]


def _encoded_root(root: Root | None) -> dict[str, str]:
    return {} if root is None else {"signing_root": _hex(root)}


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"
