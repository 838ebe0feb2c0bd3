"""Every setting of every service: the operator writes it, or it is known why not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kube_tests.resources.test_settings_files import CLASSES, taken
from ssv_discv5 import PrivateKey, Record, to_text
from ssv_kube.resources.announcements import announcement
from ssv_kube.resources.node import Node, Surroundings, WayIn
from ssv_kube.resources.pods import GATEWAY_ID, pod_template
from ssv_kube.resources.settings_files import settings_file
from ssv_runtime.settings import ENV_PREFIX

Example = Callable[..., Node]

FIXED_PORT = "ports are fixed, so that nobody has to look them up"
OTHER_LOGIN = "users of the bus have passwords"
ALIAS = "another name of execution_urls"
TUNING = "a default that nobody has had a reason to change; it becomes a field with the first reason"
DEBUGGING = "for tests and experiments on one machine"
SAFETY = "switching it off helps nobody but those who attack"
NOT_YET_STORE = "keys in an external store: its Secrets and a way out of the signer's NetworkPolicy are to come with it"
NOT_YET_API = "the remote-signing API: its keys' Secret and a way in are to come with it"
NO_BUS = dict.fromkeys(
    ("nats_url", "nats_user", "nats_password_file", "nats_tls", "nats_ca", "nats_replicas"), "it is not on the bus"
)

LEFT: dict[str, dict[str, str]] = {
    "": {
        "nats_creds": OTHER_LOGIN,
        "health_port_file": FIXED_PORT,
        "grpc_port_file": FIXED_PORT,
    },
    "signer": {
        **NO_BUS,
        **dict.fromkeys(("max_batch", "max_stream_requests", "signing_threads"), TUNING),
        **dict.fromkeys(
            (
                "share_store", "remote_share_store_url", "remote_share_store_ca", "remote_share_store_cert",
                "remote_share_store_key", "remote_share_store_bearer_file", "remote_share_store_timeout_s",
                "remote_share_store_connections",
            ),
            NOT_YET_STORE,
        ),
        **dict.fromkeys(
            (
                "remote_api_listen", "remote_api_port_file", "remote_api_tls", "remote_api_ca", "remote_api_callers",
                "remote_keys_dir", "remote_keys_start", "remote_denied_types",
            ),
            NOT_YET_API,
        ),
    },
    "eth1-listener": {
        **NO_BUS,
        "execution_url": ALIAS,
        **dict.fromkeys(
            (
                "poll_interval_s", "lag_limit_blocks", "head_max_age_s", "share_check_interval_s",
                "signature_processes",
            ),
            TUNING,
        ),
    },
    "p2p-gateway": {
        "listen_addr_file": FIXED_PORT,
        "record_file": DEBUGGING,
        "static_peers_file": "the file would be the ConfigMap that the spec makes",
        "limit_by_address": SAFETY,
        "handshake": SAFETY,
        "gossip_degree": TUNING,
        "replay_mb": TUNING,
    },
    "duty-scheduler": {"beacon_deadline_s": TUNING},
    "consensus": dict.fromkeys(
        ("beacon_deadline_s", "combine_threads", "records_max_age_s", "records_max_bytes"), TUNING
    ),
}  # fmt: skip


def everything(example: Example, record: str) -> list[Node]:
    """Return nodes that say whatever can be said, one way or the other."""
    said: dict[str, Any] = {
        "operatorKey": {"secretName": "a", "passwordKey": "b"},
        "gasLimit": 1,
        "graffiti": "g",
        "builder": {"boostPercent": 1},
        "execution": {"endpoints": ["http://a"], "followDistance": 1},
        "monitoring": {"otlpEndpoint": "http://a"},
        "p2p": {
            "discovery": True,
            "bootnodes": [record],
            "maxPeers": 60,
            "announceIp": "192.0.2.1",
            "announceTcpPort": 1,
            "announceUdpPort": 1,
        },
    }
    bus = {"external": {"url": "tls://a:1", "passwordsSecret": "p", "caKey": "c"}}
    return [example("single", **said, nats=bus), example("ha", **said)]


def written(node: Node, service: str, around: Surroundings, folder: Path) -> set[str]:
    """Return the settings that a service's pods get, by file or by environment; the service takes them."""
    announced = announcement(node, around, 0) if service == "p2p-gateway" else None
    file = settings_file(node, service, announced)
    taken(service, file, folder)
    (container,) = pod_template(node, around, service)["spec"]["containers"]
    by_environment = {
        each["name"].removeprefix(ENV_PREFIX).lower()
        for each in container["env"]
        if each["name"].startswith(ENV_PREFIX)
    }
    assert by_environment <= {GATEWAY_ID.removeprefix(ENV_PREFIX).lower()}
    return {line.partition(" = ")[0] for line in file.splitlines()} | by_environment


@pytest.mark.parametrize("service", CLASSES)
def test_every_setting_is_written_or_left_for_a_reason(
    service: str, example: Example, surroundings: Callable[..., Surroundings], tmp_path: Path
) -> None:
    record = to_text(Record.sign(PrivateKey.generate(os.urandom), 1, {}))
    around = surroundings(ways_in={"ssv-p2p-gateway-0": WayIn(ip="192.0.2.1")})
    reached = {key for node in everything(example, record) for key in written(node, service, around, tmp_path)}
    known = set(CLASSES[service].model_fields)
    left = (LEFT[""].keys() & known) | LEFT[service].keys()
    assert known - reached == left
