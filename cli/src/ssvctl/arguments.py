"""What the user types, as values of the protocol."""

from collections.abc import Sequence
from pathlib import Path

from eth_utils.address import to_checksum_address

from ssv_protocol.types.ids import ExecutionAddress, OperatorId
from ssvctl.errors import SsvctlError
from ssvctl.files import read_bytes, read_json
from ssvctl.operator_keys import parse_public_key

_ADDRESS_BYTES = 20
_MAX_OPERATOR_ID = (1 << 64) - 1
_KEY_FIELDS = ("operatorKey", "publicKey", "public_key")


def parse_owner(text: str) -> ExecutionAddress:
    """Read an owner's address; one with a checksum (EIP-55) must have the right one. Raises SsvctlError."""
    return parse_address(text, "owner")


def parse_address(text: str, what: str) -> ExecutionAddress:
    """Read an address of the execution chain, that of `what`; checksums count. Raises SsvctlError."""
    digits = text.removeprefix("0x")
    try:
        address = bytes.fromhex(digits)
    except ValueError:
        address = b""
    if len(address) != _ADDRESS_BYTES:
        raise SsvctlError(f"{what} {text} is no address; give 0x and 40 hex digits")
    mixed = digits not in (digits.lower(), digits.upper())
    if mixed and to_checksum_address(address) != f"0x{digits}":
        raise SsvctlError(f"{what} {text} has a wrong checksum (EIP-55): mistyped? Copy the address anew")
    return ExecutionAddress(address)


def parse_operators(options: Sequence[str], file: Path | None) -> dict[OperatorId, bytes]:
    """Read operators given as ID=FILE, or listed in a JSON file; returns their PEM keys. Raises SsvctlError."""
    given = [_from_option(option) for option in options]
    if file is not None:
        given += _from_file(file)
    operators: dict[OperatorId, bytes] = {}
    for operator_id, pem in given:
        if operator_id in operators:
            raise SsvctlError(f"operator {operator_id} is given twice; leave one out")
        if pem in operators.values():
            raise SsvctlError(f"operator {operator_id} has the key of another operator; give its own")
        operators[operator_id] = pem
    return operators


def _from_option(option: str) -> tuple[OperatorId, bytes]:
    number, separator, name = option.partition("=")
    if not separator or not name:
        raise SsvctlError(f"operator {option}: write ID=FILE, the file with its public key")
    operator_id = _operator_id(number)
    path = Path(name)
    return operator_id, parse_public_key(read_bytes(path, f"operator {operator_id}: key"), operator_id, str(path))


def _from_file(path: Path) -> list[tuple[OperatorId, bytes]]:
    entries = read_json(path, "operators file")
    return [_from_entry(path, entry) for entry in (entries if isinstance(entries, list) else [entries])]


def _from_entry(path: Path, entry: object) -> tuple[OperatorId, bytes]:
    fields = entry if isinstance(entry, dict) else {}
    key = next((fields[name] for name in _KEY_FIELDS if name in fields), None)
    if not isinstance(key, str) or "id" not in fields:
        raise SsvctlError(f'operators file {path}: write a list of {{"id": 1, "publicKey": "LS0t…"}}')
    operator_id = _operator_id(str(fields["id"]))
    return operator_id, parse_public_key(key.encode(), operator_id, str(path))


def _operator_id(text: str) -> OperatorId:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _MAX_OPERATOR_ID:
        raise SsvctlError(f"operator id {text!r} is none; give the number under which it is registered")
    return OperatorId(int(text))
