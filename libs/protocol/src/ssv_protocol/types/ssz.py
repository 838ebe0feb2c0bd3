"""SSZ containers as frozen dataclasses, encoded and decoded by py-ssz, decoded strictly.

A container is a frozen dataclass that derives from `SszContainer` and annotates each field with its
sedes:

    @dataclass(frozen=True, slots=True)
    class Checkpoint(SszContainer):
        epoch: Annotated[Epoch, uint64]
        root: Annotated[Root, bytes32]

A field whose annotation is another `SszContainer` needs no sedes; `list_of` makes the sedes of a list of
containers.

Invariant: `decode` accepts exactly the bytes that `encode` can produce. py-ssz alone is lenient (it takes
trailing bytes and odd first offsets), but SSZ has one encoding per value, so comparing the re-encoding
with the input refuses everything else.

Source: consensus-specs, ssz/simple-serialize.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any, Self, TypeVar, get_args, get_origin, get_type_hints

from ssz.constants import OFFSET_SIZE
from ssz.sedes import Bitlist, ByteList, ByteVector, List, Vector
from ssz.sedes import Container as ContainerSedes
from ssz.sedes.base import BaseSedes

from ssv_protocol.errors import ProtocolError, Reason
from ssv_protocol.types.ids import Root

bytes20 = ByteVector(20)


T = TypeVar("T", bound="SszContainer")


class SszContainer:
    """Base of all SSZ containers; see the module docstring for how to declare one."""

    __slots__ = ()

    def encode(self) -> bytes:
        """Return the SSZ encoding.

        Raises:
            ProtocolError: `Reason.SSZ_ENCODE` when a field does not fit its type or limit.
        """
        try:
            encoded: bytes = _layout(type(self)).sedes.serialize(_to_plain(self))
        except Exception as error:
            raise ProtocolError(Reason.SSZ_ENCODE, f"{type(self).__name__}: {error}") from None
        return encoded

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the value that `data` encodes.

        Raises:
            ProtocolError: `Reason.SSZ_DECODE` when `data` is not the canonical encoding of such a value.
        """
        sedes = _layout(cls).sedes
        try:
            plain = sedes.deserialize(data)
            canonical = sedes.serialize(plain)
        except Exception as error:
            raise ProtocolError(Reason.SSZ_DECODE, f"{cls.__name__}: {error}") from None
        if canonical != data:
            raise ProtocolError(Reason.SSZ_DECODE, f"{cls.__name__}: not a canonical encoding")
        return _from_plain(cls, plain)

    def hash_tree_root(self) -> Root:
        """Return the hash tree root.

        Raises:
            ProtocolError: `Reason.SSZ_ENCODE` when a field does not fit its type or limit.
        """
        try:
            root: Root = _layout(type(self)).sedes.get_hash_tree_root(_to_plain(self))
        except Exception as error:
            raise ProtocolError(Reason.SSZ_ENCODE, f"{type(self).__name__}: {error}") from None
        return root

    def field_root(self, name: str) -> Root:
        """Return the hash tree root of one field; raises ProtocolError SSZ_ENCODE like `hash_tree_root`."""
        field = next(field for field in _layout(type(self)).fields if field.name == name)
        try:
            root: Root = field.sedes.get_hash_tree_root(field.to_plain(getattr(self, name)))
        except Exception as error:
            raise ProtocolError(Reason.SSZ_ENCODE, f"{type(self).__name__}.{name}: {error}") from None
        return root


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    name: str
    sedes: Any
    to_plain: Callable[[Any], Any]
    from_plain: Callable[[Any], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class _Layout:
    sedes: Any
    fields: tuple[_Field, ...]


class ContainerList(List[Any, Any]):
    """A list sedes that remembers which container class its elements are."""

    container: type[SszContainer]


def list_of(container: type[SszContainer], limit: int) -> BaseSedes[Any, Any]:
    """Return the sedes of a list of at most `limit` containers."""
    sedes = ContainerList(_layout(container).sedes, limit)
    sedes.container = container
    return sedes


def sedes_of(container: type[SszContainer]) -> Any:
    """Return the py-ssz sedes of a container class."""
    return _layout(container).sedes


def max_encoded_bytes(container: type[SszContainer]) -> int:
    """Return the length of the longest encoding that the limits of a container class admit."""
    return _max_bytes(_layout(container).sedes)


def _max_bytes(sedes: Any) -> int:
    if sedes.is_fixed_sized:
        size: int = sedes.get_fixed_size()
        return size
    if isinstance(sedes, ByteList):
        return sedes.max_length
    if isinstance(sedes, Bitlist):
        return sedes.max_bit_count // 8 + 1
    if isinstance(sedes, List):
        return sedes.max_length * _max_part_bytes(sedes.element_sedes)
    if isinstance(sedes, Vector):
        return sedes.length * _max_part_bytes(sedes.element_sedes)
    return sum(_max_part_bytes(field) for field in sedes.field_sedes)


def _max_part_bytes(sedes: Any) -> int:
    return _max_bytes(sedes) + (0 if sedes.is_fixed_sized else OFFSET_SIZE)


def _build_layout(cls: Any) -> _Layout:
    hints = get_type_hints(cls, include_extras=True)
    names = [field.name for field in dataclasses.fields(cls)]
    sedes: list[Any] = []
    fields: list[_Field] = []
    for name in names:
        field_sedes, to_plain, from_plain = _field_codec(cls, name, hints[name])
        sedes.append(field_sedes)
        fields.append(_Field(name, field_sedes, to_plain, from_plain))
    return _Layout(ContainerSedes(sedes), tuple(fields))


_layout: Callable[[Any], _Layout] = cache(_build_layout)


def _field_codec(owner: type, name: str, hint: Any) -> tuple[Any, Callable[[Any], Any], Callable[[Any], Any]]:
    if isinstance(hint, type) and issubclass(hint, SszContainer):
        return _layout(hint).sedes, _to_plain, lambda plain: _from_plain(hint, plain)
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{owner.__name__}.{name} has no sedes in its annotation")
    field_sedes = get_args(hint)[1]
    if isinstance(field_sedes, ContainerList):
        element = field_sedes.container
        return (
            field_sedes,
            _within_limit(field_sedes, lambda values: tuple(_to_plain(value) for value in values)),
            lambda plain: tuple(_from_plain(element, value) for value in plain),
        )
    if isinstance(field_sedes, List | Vector) and not isinstance(field_sedes, ByteList | ByteVector):
        return field_sedes, _within_limit(field_sedes, _same), tuple
    return field_sedes, _same, _same


def _same(value: Any) -> Any:
    return value


def _within_limit(sedes: Any, to_plain: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Guard a list's encoder by its limit, which py-ssz checks only when it decodes."""
    if not isinstance(sedes, List):
        return to_plain

    def checked(values: Any) -> Any:
        if len(values) > sedes.max_length:
            raise ValueError(f"{len(values)} elements in a list of at most {sedes.max_length}")
        return to_plain(values)

    return checked


def _to_plain(value: SszContainer) -> tuple[Any, ...]:
    return tuple(field.to_plain(getattr(value, field.name)) for field in _layout(type(value)).fields)


def _from_plain(cls: type[T], plain: Sequence[Any]) -> T:
    layout = _layout(cls)
    return cls(*(field.from_plain(item) for field, item in zip(layout.fields, plain, strict=True)))
