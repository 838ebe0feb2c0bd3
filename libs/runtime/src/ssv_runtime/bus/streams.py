"""JetStream streams: made by their writers, and adapted when their limits change."""

from __future__ import annotations

import nats.errors
import nats.js.api
import nats.js.client
import nats.js.errors

from ssv_runtime.bus.connection import Connection
from ssv_runtime.bus.errors import BusRefused, BusUnavailable

API_TIMEOUT_S = 2.0


def stream_config(name: str, subjects: list[str], max_age_s: float, max_bytes: int) -> nats.js.api.StreamConfig:
    """Return a stream that keeps all messages within the limits and lets go of the oldest."""
    return nats.js.api.StreamConfig(name=name, subjects=subjects, max_age=max_age_s, max_bytes=max_bytes)


def bucket_config(bucket: str, max_age_s: float, max_bytes: int) -> nats.js.api.StreamConfig:
    """Return the stream behind a key-value bucket: the last message of each key."""
    return nats.js.api.StreamConfig(
        name=f"KV_{bucket}",
        subjects=[f"$KV.{bucket}.>"],
        max_age=max_age_s,
        max_bytes=max_bytes,
        max_msgs_per_subject=1,
        discard=nats.js.api.DiscardPolicy.NEW,
        allow_direct=True,
        allow_rollup_hdrs=True,
        deny_delete=True,
    )


def api(connection: Connection) -> nats.js.client.JetStreamContext:
    """Return JetStream's interface on the connection that there is.

    Raises:
        BusUnavailable: there is none.
    """
    return connection.live().jetstream(timeout=API_TIMEOUT_S)


async def ensure_stream(connection: Connection, config: nats.js.api.StreamConfig) -> None:
    """Make the stream, or adapt the one that has its name; as many servers keep it as the settings say.

    Raises:
        BusUnavailable: there is no connection, or the server did not answer.
        BusRefused: the server does not allow it.
    """
    try:
        streams = api(connection)
        config = config.evolve(num_replicas=connection.replicas)
        try:
            await streams.add_stream(config)
        except nats.js.errors.BadRequestError:  # it is there, with other limits
            await streams.update_stream(config)
    except nats.js.errors.APIError as error:
        raise BusRefused(f"stream {config.name}: {error.description}") from None
    except nats.errors.TimeoutError:
        raise BusUnavailable(f"stream {config.name}: no answer; may this service's user make streams?") from None
    except nats.errors.Error as error:
        raise BusUnavailable(str(error)) from None
