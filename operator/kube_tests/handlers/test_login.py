"""Where kopf dials the API server from inside of a pod."""

from __future__ import annotations

import kopf
import pytest

from ssv_kube.handlers.login import HOST, PORT, login_as_account


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    found = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="t")
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: found)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("10.96.0.1", "https://10.96.0.1:443"),
        ("fd00::1", "https://[fd00::1]:443"),
        ("", "https://kubernetes.default.svc"),
    ],
)
def test_the_address_that_pods_are_told_is_dialled(monkeypatch: pytest.MonkeyPatch, host: str, server: str) -> None:
    monkeypatch.setenv(HOST, host)
    monkeypatch.setenv(PORT, "443")
    found = login_as_account()
    assert found is not None
    assert found.server == server
    assert found.token == "t"


def test_outside_of_a_pod_it_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: None)
    assert login_as_account() is None
