"""Limits and times of gRPC, for both ends (architecture, section 3)."""

from __future__ import annotations

import json
from typing import Final

from ssv_runtime.settings import ServiceSettings, SettingsError

MAX_MESSAGE_BYTES: Final = 10 * 1024 * 1024
KEEPALIVE_MS: Final = 2_000
RECONNECT_FIRST_MS: Final = 50
RECONNECT_LAST_MS: Final = 1_000
CONNECT_TIMEOUT_MS: Final = 2_000
RESOLVE_AGAIN_MS: Final = 1_000
UNARY_DEADLINE_S: Final = 10.0

Options = list[tuple[str, str | int]]

_BOTH: Options = [
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_MS),
    ("grpc.http2.ping_timeout_ms", KEEPALIVE_MS),  # of the bandwidth probe too, which keeps keepalive's from being sent
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]

SERVER_OPTIONS: Options = [
    *_BOTH,
    ("grpc.http2.min_recv_ping_interval_without_data_ms", KEEPALIVE_MS // 2),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.so_reuseport", 0),  # a port that is taken is an error, not a second listener
]

# Another replica may be asked again: every call is idempotent (architecture 5.2).
_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": f"{RECONNECT_FIRST_MS / 1000}s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}


def client_options(peer: str) -> Options:
    """Return the options of a channel to service `peer`, whose certificate must carry that DNS name."""
    return [
        *_BOTH,
        ("grpc.initial_reconnect_backoff_ms", RECONNECT_FIRST_MS),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_LAST_MS),
        ("grpc.min_reconnect_backoff_ms", CONNECT_TIMEOUT_MS),  # despite its name: how long one attempt may take
        ("grpc.dns_min_time_between_resolutions_ms", RESOLVE_AGAIN_MS),  # a replica comes back with another address
        ("grpc.ssl_target_name_override", peer),
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
        ("grpc.use_local_subchannel_pool", 1),
    ]


def read_tls(settings: ServiceSettings) -> tuple[bytes, bytes, bytes]:
    """Return authority, certificate and private key, all PEM.

    Raises:
        SettingsError: a file cannot be read.
    """
    try:
        return settings.tls_ca.read_bytes(), settings.tls_cert.read_bytes(), settings.tls_key.read_bytes()
    except OSError as error:
        raise SettingsError(f"certificate file {error.filename}: {error.strerror}") from None
