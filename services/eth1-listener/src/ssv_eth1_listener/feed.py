"""The registry as watchers see it: one present view, and how to get there from an earlier one.

Watchers pull: each has the last state that it was sent, and gets the difference to the present one when it asks again.
So a slow watcher costs no memory, and blocks that it was too slow for reach it as one.

Invariant: a view is published only of a state that had caught up with the chain, so that nobody takes half a history
for the registry.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from ssv_protocol.registry.state import RegistryState
from ssv_runtime.registry_client import RegistryView

REMEMBERED_STATES = 64
"""States from which a watcher can go on after a lost connection; an older one is sent everything."""


class Feed:
    """Holds the present view; `live` says that it is the chain's, not only what a database remembered."""

    def __init__(self, own_public_pem: bytes | None = None) -> None:
        self.view: RegistryView | None = None
        self.live = False
        self._own_public_pem = own_public_pem
        self._recent: deque[RegistryState] = deque(maxlen=REMEMBERED_STATES)
        self._changed = asyncio.Event()

    def publish(self, state: RegistryState, head_block: int, *, live: bool) -> None:
        """Make `state` the present one."""
        operator = None if self._own_public_pem is None else state.operator_with_key(self._own_public_pem)
        self._recent.append(state)
        self.live = live
        self.view = RegistryView(state, None if operator is None else operator.operator_id, head_block)
        self._changed.set()
        self._changed = asyncio.Event()

    def fall_back(self) -> None:
        """The present view is no longer known to be up with the chain."""
        self.live = False
        self._changed.set()
        self._changed = asyncio.Event()

    def identify(self, own_public_pem: bytes) -> None:
        """Say who the operator is; the present view follows."""
        if own_public_pem == self._own_public_pem:
            return
        self._own_public_pem = own_public_pem
        if self.view is not None:
            self.publish(self.view.state, self.view.head_block, live=self.live)

    def state_after(self, block_number: int, block_hash: bytes) -> RegistryState | None:
        """Return the published state after this block if it is remembered."""
        wanted = (block_number, block_hash)
        return next((state for state in self._recent if (state.block_number, state.block_hash) == wanted), None)

    @property
    def live_view(self) -> RegistryView | None:
        """The present view if it is up with the chain."""
        return self.view if self.live else None

    async def change(self) -> None:
        """Return after the next change. May be cancelled."""
        await self._changed.wait()

    async def views(self) -> AsyncIterator[RegistryView]:
        """Yield the present view, and then the present one each time there is a newer one, for ever."""
        seen: RegistryView | None = None
        while True:
            if self.view is None or self.view is seen:
                await self.change()
                continue
            seen = self.view
            yield seen
