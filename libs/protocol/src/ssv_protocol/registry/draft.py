"""The next registry state while a block is applied.

Invariant: the state it starts from is never touched. A table is copied when it is first written, so a block
without events copies nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from ssv_protocol.registry.state import RegistryState

K = TypeVar("K")
V = TypeVar("V")


class Table(Generic[K, V]):
    """A mapping that is copied on first write."""

    def __init__(self, base: Mapping[K, V]) -> None:
        self._base = base
        self._written: dict[K, V] | None = None

    @property
    def view(self) -> Mapping[K, V]:
        """What the table holds now."""
        return self._base if self._written is None else self._written

    def put(self, key: K, value: V) -> None:
        """Add or replace a record."""
        self._own()[key] = value

    def drop(self, key: K) -> None:
        """Remove a record that is there."""
        del self._own()[key]

    def freeze(self) -> Mapping[K, V]:
        """Return the contents as a value."""
        return self._base if self._written is None else MappingProxyType(self._written)

    def _own(self) -> dict[K, V]:
        if self._written is None:
            # mappingproxy.copy() copies the dict underneath at its full speed
            self._written = self._base.copy() if isinstance(self._base, MappingProxyType) else dict(self._base)
        return self._written


class Draft:
    """The tables of a state, open for writing."""

    def __init__(self, base: RegistryState) -> None:
        self.operators = Table(base.operators)
        self.validators = Table(base.validators)
        self.recipients = Table(base.recipients)

    def freeze(self, block_number: int, block_hash: bytes) -> RegistryState:
        """Return the state after the block."""
        return RegistryState(
            block_number,
            block_hash,
            self.operators.freeze(),
            self.validators.freeze(),
            self.recipients.freeze(),
        )
