"""Reading a keyshares file, whoever wrote it: its structure, and an error that names file, field and remedy.

What the fields say to each other, such as a signature over the nonce, is `keyshares_check`.

Source: as `keyshares`.
"""

import json
from base64 import b64decode
from binascii import Error as Base64Error
from pathlib import Path
from typing import Any

from ssv_protocol.types.ids import BlsPublicKey, OperatorId
from ssvctl.arguments import parse_address
from ssvctl.errors import SsvctlError
from ssvctl.files import read_json
from ssvctl.keyshares import ValidatorShares

_VERSIONS = ("v1.1.", "v1.2.")
_PUBLIC_KEY_BYTES = 48
_SHOWN_CHARACTERS = 60
_AGAIN = "make the file again"


def read_keyshares(path: Path) -> list[ValidatorShares]:
    """Read a keyshares file, of one or several validators; raises SsvctlError."""
    top = _Fields(path, "", read_json(path, "keyshares file"))
    version = top.get("version")
    if not isinstance(version, str) or not version.startswith(_VERSIONS):
        raise top.fault("version", f"is {_shown(version)} and not v1.1.x or v1.2.x; {_AGAIN} with a current ssv-keys")
    if "shares" not in top.values:  # of one validator, before there were several
        return [_entry(top)]
    return [_entry(fields) for fields in top.objects("shares")]


class _Fields:
    """A JSON object of the file. `place` is where: empty, or a name that ends in a dot."""

    def __init__(self, path: Path, place: str, values: Any) -> None:
        if not isinstance(values, dict):
            what = f"{place.rstrip('.')} is no JSON object" if place else "is no keyshares file"
            raise SsvctlError(f"{path}: {what}; is it the right file?")
        self.path, self.place, self.values = path, place, values

    def fault(self, name: str, problem: str) -> SsvctlError:
        return SsvctlError(f"{self.path}: {self.place}{name} {problem}")

    def get(self, name: str) -> Any:
        if name not in self.values:
            raise self.fault(name, f"is missing; {_AGAIN}")
        return self.values[name]

    def object(self, name: str) -> "_Fields":
        return _Fields(self.path, f"{self.place}{name}.", self.get(name))

    def objects(self, name: str) -> list["_Fields"]:
        return [_Fields(self.path, f"{self.place}{name}[{i}].", item) for i, item in enumerate(self.list(name))]

    def list(self, name: str) -> list[Any]:
        items = self.get(name)
        if not isinstance(items, list) or not items:
            raise self.fault(name, f"is {_shown(items)} and no list with something in it; {_AGAIN}")
        return items

    def number(self, name: str) -> int:
        return self.as_number(name, self.get(name))

    def as_number(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.fault(name, f"is {_shown(value)} and no number from 0 on; {_AGAIN}")
        return value

    def text(self, name: str) -> str:
        value = self.get(name)
        if not isinstance(value, str):
            raise self.fault(name, f"is {_shown(value)} and no text; {_AGAIN}")
        return value

    def octets(self, name: str, size: int | None = None) -> bytes:
        text = self.text(name)
        try:
            value = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            raise self.fault(name, f"is {_shown(text)} and not hex digits; {_AGAIN}") from None
        if size is not None and len(value) != size:
            raise self.fault(name, f"has {len(value)} bytes and not {size}; {_AGAIN}")
        return value


def _entry(fields: _Fields) -> ValidatorShares:
    data, payload = fields.object("data"), fields.object("payload")
    public_key = payload.octets("publicKey", _PUBLIC_KEY_BYTES)
    if data.octets("publicKey", _PUBLIC_KEY_BYTES) != public_key:
        raise payload.fault("publicKey", f"is another than {data.place}publicKey; {_AGAIN}")
    operators = _operators(data)
    listed = [payload.as_number(f"operatorIds[{i}]", item) for i, item in enumerate(payload.list("operatorIds"))]
    if listed != list(operators):
        raise payload.fault("operatorIds", f"are {listed}, but {data.place}operators are {list(operators)}; {_AGAIN}")
    owner = data.text("ownerAddress")
    try:
        address = parse_address(owner, f"{data.place}ownerAddress")
    except SsvctlError as error:
        raise SsvctlError(f"{fields.path}: {error}") from None
    shares_data = payload.octets("sharesData")
    return ValidatorShares(address, data.number("ownerNonce"), BlsPublicKey(public_key), operators, shares_data)


def _operators(data: _Fields) -> dict[OperatorId, bytes]:
    operators: dict[OperatorId, bytes] = {}
    for operator in data.objects("operators"):
        operator_id = OperatorId(operator.number("id"))
        if operator_id in operators:
            raise operator.fault("id", f"is {operator_id}, which is there twice; {_AGAIN} with other operators")
        try:
            operators[operator_id] = b64decode(operator.text("operatorKey"), validate=True)
        except (Base64Error, ValueError):
            raise operator.fault("operatorKey", f"is no base64; {_AGAIN} with the key that is registered") from None
    return operators


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
