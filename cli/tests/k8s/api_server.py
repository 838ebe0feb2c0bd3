"""A server with the answers of an API server to what `ssvctl k8s` asks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

NODES = "/apis/ssv.network/v1alpha1/namespaces/staking/ssvnodes"
PODS = "/api/v1/namespaces/staking/pods"
Answer = tuple[int, Any]


def listed(*items: dict[str, Any]) -> Answer:
    """Return the answer to a list."""
    return 200, {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "1"}, "items": list(items)}


def refused(code: int, message: str) -> Answer:
    """Return a refusal as API servers word it."""
    reasons = {401: "Unauthorized", 403: "Forbidden", 500: "InternalError"}
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reasons[code], "code": code}
    return code, {**status, "message": message}


@contextmanager
def serving(folder: Path, answers: Mapping[str, Answer]) -> Iterator[Path]:
    """Serve inside the block; gives a kubeconfig. What is not in `answers` is not known."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, content = answers.get(urlsplit(self.path).path, (404, None))
            body = b"404 page not found\n" if content is None else json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "text/plain" if content is None else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield kubeconfig(folder, server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def kubeconfig(folder: Path, port: int) -> Path:
    """Write a kubeconfig for a server on loopback, with namespace `staking`."""
    file = folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "me", "user": {"token": "none"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "staking"}}],
        "current-context": "here",
    }
    file.write_text(json.dumps(content))
    return file
