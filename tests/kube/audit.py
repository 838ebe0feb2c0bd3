"""Who asked the API server for what: its audit log, of ServiceAccounts only."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_USER = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `resource` has its subresource after a slash, `code` is the HTTP status."""

    account: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int


class Audit:
    """The log, read on from where it was read to: it has many thousand lines in the end."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._requests: dict[str, list[Request]] = defaultdict(list)

    def requests(self, namespace: str, account: str) -> list[Request]:
        """Return what a ServiceAccount has asked for until now, in order."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]  # the last line may be half written
        self._read += len(whole)
        for line in whole.splitlines():
            self._note(json.loads(line))
        return list(self._requests[f"{namespace}:{account}"])

    def _note(self, event: dict[str, dict[str, str]]) -> None:
        who = event["user"]["username"].removeprefix(_USER)
        what = event.get("objectRef", {})
        resource = "/".join(filter(None, (what.get("resource", str(event["requestURI"])), what.get("subresource"))))
        code = int(event.get("responseStatus", {}).get("code", 0))
        request = Request(
            who.rpartition(":")[2], str(event["verb"]), resource, what.get("namespace", ""), what.get("name", ""), code
        )
        self._requests[who].append(request)
