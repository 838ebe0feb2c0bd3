"""Who asked the API server for what: its audit log, of ServiceAccounts only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `resource` has its subresource after a slash, `code` is the HTTP status."""

    account: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int


def requests(log: Path, namespace: str, account: str) -> list[Request]:
    """Return what a ServiceAccount asked for, in order."""
    user = f"system:serviceaccount:{namespace}:{account}"
    found = []
    for line in log.read_text().splitlines():
        event = json.loads(line)
        if event["user"]["username"] != user:
            continue
        what = event.get("objectRef", {})
        resource = "/".join(filter(None, (what.get("resource", event["requestURI"]), what.get("subresource"))))
        code = event.get("responseStatus", {}).get("code", 0)
        place, name = what.get("namespace", ""), what.get("name", "")
        found.append(Request(account, event["verb"], resource, place, name, code))
    return found
