"""Who may say and hear what on the operator's bus, and the nats-server configuration that holds them to it.

One NATS account per operator, one user per service, subjects by allow-list: what is not named here is refused by the
server. Invariants: only the p2p gateway publishes ssv.gossip.in.>, only the duty scheduler writes the bucket of
duties, only consensus asks for a publication or writes what was decided. Each service has its own inbox prefix
(`inbox_prefix`), so that nobody reads another's answers, and answers a request only on the subject that came with it.

Not guaranteed: that a reader of JetStream cannot make the server send a stream's messages to a subject of its choice
(a push consumer's deliver subject lies in the request's body, which subject permissions do not see). Nobody may trust
a message for the subject that it came on: workers verify what they read, and the signer believes nobody.

Source: docs.nats.io, "Authorization", "JetStream wire API"; the wire table of the architecture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ssv_runtime.names import CONSENSUS, DUTY_SCHEDULER, EXPORTER, P2P_GATEWAY

GOSSIP_IN = "ssv.gossip.in"
GOSSIP_OUT = "ssv.gossip.out"
REPLAY = "ssv.replay"
HEAD = "ssv.head"
DECIDED = "ssv.decided"
BEAT = "ssv.beat"
DUTIES_BUCKET = "duties"
DECIDED_STREAM = "decided"
MAX_PAYLOAD_BYTES = 10 * 1024 * 1024
"""An encoded SignedSSVMessage with its full data reaches 8.4 MB."""

_DUTIES_STREAM = f"KV_{DUTIES_BUCKET}"


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects that a service may publish and subscribe; its inbox comes on top. `answers`: it replies to requests."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False


def _reads_stream(stream: str) -> tuple[str, ...]:
    """Return the API subjects for reading a stream: its description, single messages, consumers."""
    return (
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}.>",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.*",
        f"$JS.API.CONSUMER.INFO.{stream}.*",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*",
        f"$JS.API.CONSUMER.DELETE.{stream}.*",
        f"$JS.ACK.{stream}.>",
        f"$JS.FC.{stream}.>",
    )


def _keeps_stream(stream: str) -> tuple[str, ...]:
    """Return the API subjects for making a stream and setting its limits; nobody may delete or purge one."""
    return (
        "$JS.API.INFO",
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.STREAM.CREATE.{stream}",
        f"$JS.API.STREAM.UPDATE.{stream}",
    )


# Finding the stream of a subject tells its name and nothing else.
_FINDS_STREAMS = ("$JS.API.STREAM.NAMES",)

PERMISSIONS: Mapping[str, Permissions] = {
    P2P_GATEWAY: Permissions(
        publish=(f"{GOSSIP_IN}.>", f"{BEAT}.>", *_reads_stream(_DUTIES_STREAM)),
        subscribe=(f"{GOSSIP_OUT}.>", f"{REPLAY}.>", f"{BEAT}.>"),
        answers=True,
    ),
    CONSENSUS: Permissions(
        publish=(
            f"{GOSSIP_OUT}.>",
            f"{REPLAY}.>",
            f"{DECIDED}.>",
            f"{BEAT}.>",
            *_reads_stream(_DUTIES_STREAM),
            *_keeps_stream(DECIDED_STREAM),
        ),
        subscribe=(f"{GOSSIP_IN}.>", HEAD, f"{BEAT}.>"),
    ),
    DUTY_SCHEDULER: Permissions(
        publish=(
            f"$KV.{DUTIES_BUCKET}.>",
            HEAD,
            f"{DECIDED}.>",
            *_reads_stream(_DUTIES_STREAM),
            *_keeps_stream(_DUTIES_STREAM),
        ),
        subscribe=(f"{DECIDED}.>",),
    ),
    EXPORTER: Permissions(
        publish=(*_reads_stream(DECIDED_STREAM), *_FINDS_STREAMS),
        subscribe=(f"{GOSSIP_IN}.>", f"{DECIDED}.>"),
    ),
}
"""Services that are not here have no business on the bus and get no user."""


def inbox_prefix(service: str) -> str:
    """Return the prefix of the subjects on which a service gets its answers; its client must be told."""
    return f"_INBOX.{service}"


def render_nats_conf(passwords: Mapping[str, str]) -> str:
    """Return nats-server's configuration for one operator as text. `passwords`: by service, all of PERMISSIONS.

    The text holds the passwords, so the file must be private.

    Raises:
        KeyError: a service has no password.
    """
    return json.dumps(nats_configuration(passwords), indent=2) + "\n"  # nats-server reads JSON


def nats_configuration(passwords: Mapping[str, str]) -> dict[str, object]:
    """Return nats-server's configuration for one operator, to be added to.

    Address, port and store folder are not in it: the command line has them (--addr, --port, --store_dir).

    Raises:
        KeyError: a service has no password.
    """
    users = [_user(service, passwords[service], permissions) for service, permissions in PERMISSIONS.items()]
    return {
        "max_payload": MAX_PAYLOAD_BYTES,
        "jetstream": {"max_memory_store": 64 * 1024 * 1024, "max_file_store": 1024 * 1024 * 1024},
        "accounts": {"operator": {"jetstream": "enabled", "users": users}},
    }


def _user(service: str, password: str, permissions: Permissions) -> dict[str, object]:
    rules: dict[str, object] = {
        "publish": {"allow": list(permissions.publish)},
        "subscribe": {"allow": [*permissions.subscribe, f"{inbox_prefix(service)}.>"]},
    }
    if permissions.answers:
        rules["allow_responses"] = {"max": 1, "expires": "1m"}
    return {"user": service, "password": password, "permissions": rules}
