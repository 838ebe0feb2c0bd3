"""Tiny real processes for the supervisor: they write down what happens to them and serve /readyz."""

import sys
from pathlib import Path

from ssvctl.supervisor.plan import PlannedProcess, PlannedService

_CHILD = """
import http.server, json, os, pathlib, signal, sys, threading
name, folder, mood = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]

def note(what):
    with (folder / "events").open("a") as events:
        events.write(f"{name} {what}\\n")

def end(*_):
    note("told")
    if mood != "deaf":
        note("drained")
        os._exit(0)

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        waits = {} if not (folder / f"{name}.waits").exists() else {"beacon": "does not answer"}
        body = json.dumps(waits).encode()
        self.send_response(503 if waits else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

if mood == "refuses":
    print("nats_url: give an address")
    sys.exit(2)
if mood == "fails":
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
note("started")
server = http.server.HTTPServer(("127.0.0.1", 0), Health)
partial = folder / f"{name}.partial"
partial.write_text(str(server.server_port))
partial.rename(folder / f"{name}.port")
server.serve_forever()
"""


def child(
    folder: Path, name: str, mood: str = "good", *, drain_s: float = 20, ports: tuple[int, ...] = ()
) -> PlannedProcess:
    """`mood`: good; deaf (does not end when told); refuses (its settings); fails (always)."""
    return PlannedProcess(
        name,
        (sys.executable, "-c", _CHILD, name, str(folder), mood),
        folder / f"{name}.log",
        (PlannedService(name, folder / f"{name}.port"),),
        ports=ports,
        drain_s=drain_s,
    )


def events(folder: Path) -> list[str]:
    """What the children wrote down, in order."""
    path = folder / "events"
    return path.read_text().splitlines() if path.exists() else []
