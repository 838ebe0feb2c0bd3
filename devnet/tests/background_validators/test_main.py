"""The client as a process: it ends when it should, and says why it cannot work."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

ROOT = "0x" + "00" * 32
GENESIS = {"genesis_time": "4000000000", "genesis_validators_root": ROOT, "genesis_fork_version": "0x00000000"}
SPEC = {
    "SLOTS_PER_EPOCH": "8",
    "SECONDS_PER_SLOT": "6",
    "EPOCHS_PER_SYNC_COMMITTEE_PERIOD": "8",
    "SYNC_COMMITTEE_SIZE": "512",
}
ANSWERS: dict[str, Any] = {
    "/eth/v1/node/version": {"version": "test"},
    "/eth/v1/node/syncing": {"head_slot": "0", "sync_distance": "0", "is_syncing": False},
    "/eth/v1/beacon/genesis": GENESIS,
    "/eth/v1/config/spec": SPEC,
    "/eth/v1/beacon/states/head/validators": [],
}


@contextmanager
def node_with_other_validators() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps({"data": ANSWERS[self.path]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 (the name is http.server's)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def client(url: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "ssv_devnet.background_validators", "--beacon-url", url, "--validators", "2"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("ending", ["stdin", "sigterm"])
def test_it_ends_with_its_parent_and_on_sigterm(ending: str) -> None:
    with client("http://127.0.0.1:1") as process:
        assert process.stdin is not None
        assert process.stderr is not None
        obstacle = process.stderr.readline()
        assert "http://127.0.0.1:1" in obstacle
        assert "Start the node" in obstacle
        process.stdin.write("nonsense\nrelease 16-31 5\n")
        process.stdin.flush()
        assert "command not understood: expected `release" in process.stderr.readline()
        assert "released 16 validators from epoch 5 on" in process.stderr.readline()
        if ending == "stdin":
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""


def test_a_chain_without_the_interop_keys_is_an_error() -> None:
    with node_with_other_validators() as url, client(url) as process:
        assert process.stderr is not None
        assert process.wait(timeout=20) == 1
        last_line = process.stderr.read().splitlines()[-1]
        assert f"{url} does not have the interop keys of validators [0, 1]" in last_line
