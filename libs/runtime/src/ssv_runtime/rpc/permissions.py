"""Who may call what, by certificate.

A caller is the service in the URI `ssv://<service>` of the certificate that its connection was made with. What no rule
names is denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ssv_runtime.certificates import URI_SCHEME

SAN_PROPERTY = "x509_subject_alternative_name"


class Permissions:
    """Rules: full method name ("ssv.v1.Signer/Sign") → callers.

    Raises:
        ValueError: a method is not written as package.Service/Method.
    """

    def __init__(self, rules: Mapping[str, Iterable[str]]) -> None:
        for method in rules:
            if method.count("/") != 1 or method.startswith("/"):
                raise ValueError(f"{method!r} is not a method: write package.Service/Method")
        self._rules = {method: frozenset(callers) for method, callers in rules.items()}

    @property
    def methods(self) -> frozenset[str]:
        """The methods that somebody may call."""
        return frozenset(name for name, callers in self._rules.items() if callers)

    def refusal(self, caller: str | None, method: str) -> str | None:
        """Return why `caller` may not call `method` ("/package.Service/Method"); None when it may."""
        name = method.removeprefix("/")
        if caller is None:
            return f"the certificate names no service: {name} needs one with the URI {URI_SCHEME}<service>"
        if caller not in self._rules.get(name, frozenset()):
            return f"{caller} may not call {name}"
        return None


def caller_in(auth_context: Mapping[str, Iterable[bytes]]) -> str | None:
    """Return the service that the connection's certificate names; None unless it names exactly one."""
    names = [name.decode(errors="replace") for name in auth_context.get(SAN_PROPERTY, ())]
    services = [name.removeprefix(URI_SCHEME) for name in names if name.startswith(URI_SCHEME)]
    return services[0] if len(services) == 1 else None
