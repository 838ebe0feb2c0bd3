"""State on the bus: the last value of each key, in a JetStream bucket.

Readers watch: they get what is there and then every change, and after a reconnect what they missed. A bucket that is
not there yet is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.kv import KeyValue as Bucket

from ssv_runtime.bus.connection import Connection
from ssv_runtime.bus.errors import BusTimeout, BusUnavailable
from ssv_runtime.bus.streams import api, bucket_config, ensure_stream
from ssv_runtime.service import Service

_RETRY_S = 0.2

Store = Callable[[str, bytes], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class KvEntry:
    """A key's value at a revision; the value is None when the key was deleted. Revisions ascend over the bucket."""

    key: str
    value: bytes | None
    revision: int


class KeyValue:
    """One bucket. Made by `Bus.kv`."""

    def __init__(self, connection: Connection, service: Service, bucket: str, store: Store) -> None:
        self.bucket = bucket
        self._connection = connection
        self._service = service
        self._store = store

    async def ensure(self, *, max_age_s: float = 0, max_bytes: int = -1) -> None:
        """Make the bucket if it is not there; values older than `max_age_s` go away (0: they stay).

        Raises:
            BusUnavailable: there is no connection.
            BusRefused: the server does not allow it.
        """
        await ensure_stream(self._connection, bucket_config(self.bucket, max_age_s, max_bytes))

    async def put(self, key: str, value: bytes) -> int:
        """Set the value of `key`; returns the revision.

        Raises:
            BusUnavailable, BusRefused, NoResponders, BusTimeout: as `Bus.publish_stream`.
        """
        return await self._store(f"$KV.{self.bucket}.{key}", value)

    async def get(self, key: str) -> KvEntry | None:
        """Return what `key` holds; None when it holds nothing or there is no bucket.

        Raises:
            BusUnavailable: there is no connection.
            BusTimeout: the server did not answer.
        """
        try:
            entry = await (await api(self._connection).key_value(self.bucket)).get(key)
        except nats.js.errors.NotFoundError:
            return None
        except nats.errors.TimeoutError:
            raise BusTimeout(f"no answer from bucket {self.bucket}") from None
        except nats.errors.Error as error:
            raise BusUnavailable(str(error)) from None
        return KvEntry(key, entry.value, entry.revision or 0)

    async def watch(self, keys: str = ">") -> AsyncGenerator[KvEntry]:
        """Yield what the keys that match hold, then every change, each once, for ever.

        A bucket that was lost and made anew counts its revisions from one again: everything in it is new.
        """
        made: object = None
        seen = 0
        while True:
            await self._connection.connected.wait()
            try:
                client = self._connection.live()
                bucket = await api(self._connection).key_value(self.bucket)
                created = (await bucket.status()).stream_info.created
                if created != made:
                    made, seen = created, 0
                async for entry in self._watch_once(client, bucket, keys):
                    if entry.revision > seen:
                        seen = entry.revision
                        yield entry
            except (nats.errors.Error, nats.js.errors.Error, BusUnavailable, TimeoutError) as error:
                self._service.log.debug("watching again", bucket=self.bucket, reason=str(error))
            await asyncio.sleep(_RETRY_S)

    async def _watch_once(self, client: Client, bucket: Bucket, keys: str) -> AsyncGenerator[KvEntry]:
        watcher: Any = await bucket.watch(keys)  # its methods have no types
        try:
            while self._connection.client is client and client.is_connected:
                try:
                    entry = await watcher.updates(timeout=_RETRY_S)
                except nats.errors.TimeoutError:
                    continue
                if entry is not None:
                    gone = entry.operation is not None
                    yield KvEntry(entry.key, None if gone else entry.value or b"", entry.revision or 0)
        finally:
            if client.is_connected:
                await watcher.stop()
