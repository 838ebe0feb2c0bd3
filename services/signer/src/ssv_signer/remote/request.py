"""A request to sign, as read from JSON: the object, and what the caller believes about fork and signing root.

Source: remote-signing API v1.3 (signing/schemas.yaml); `signing_root` is another name of `signingRoot` there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ssv_protocol.types.ids import BlsPublicKey, Root
from ssv_protocol.types.ssz_json import Malformed, from_json, mapping, read_bytes, required
from ssv_signer.remote.fork_info import ForkInfo
from ssv_signer.remote.rules.kind import Kind
from ssv_signer.remote.rules.table import KINDS

PUBLIC_KEY_BYTES, ROOT_BYTES = 48, 32
SIGNING_ROOT_NAMES = ("signingRoot", "signing_root")
_BODY = "body"


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """An object to sign with a key. `expected_roots` are signing roots that the caller named."""

    pubkey: BlsPublicKey
    kind: Kind
    object: Any
    fork_info: ForkInfo | None
    expected_roots: tuple[Root, ...] = ()


def read_identifier(text: object) -> BlsPublicKey:
    """Return the public key of an identifier, with or without 0x; raises Malformed."""
    plain = f"0x{text}" if isinstance(text, str) and not text.startswith("0x") else text
    return BlsPublicKey(read_bytes(plain, "identifier", PUBLIC_KEY_BYTES))


def read_request(pubkey: BlsPublicKey, plain: object) -> SigningRequest:
    """Return the request that a decoded JSON value describes; raises Malformed."""
    known = mapping(plain, _BODY)
    name = required(known, "type", _BODY)
    if not isinstance(name, str) or name not in KINDS:
        raise Malformed("type", f"one of {', '.join(KINDS)} expected")
    kind = KINDS[name]
    fork_info: ForkInfo | None = None
    if kind.needs_fork_info:
        fork_info = from_json(ForkInfo, required(known, "fork_info", _BODY), "fork_info")
    roots = tuple(Root(read_bytes(known[name], name, ROOT_BYTES)) for name in SIGNING_ROOT_NAMES if name in known)
    item = kind.read(required(known, kind.field, _BODY), kind.field)
    return SigningRequest(pubkey, kind, item, fork_info, roots)
