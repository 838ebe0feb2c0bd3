"""Where the signer of an operator's folder is found."""

from pathlib import Path

import pytest

from ssvctl.errors import SsvctlError
from ssvctl.signer_client import find_signer


def test_the_signer_of_the_operator_that_runs_here(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "services.toml").write_text("[signer]\ngrpc_port = 4711\n")
    place = find_signer(tmp_path, None, None)
    assert (place.target, place.certificates.root) == ("127.0.0.1:4711", tmp_path / "certs")
    place = find_signer(tmp_path, "127.0.0.1:5", tmp_path / "others")
    assert (place.target, place.certificates.root) == ("127.0.0.1:5", tmp_path / "others")


@pytest.mark.parametrize("content", ["no toml", "", "signer = 5", "[signer]"])
def test_settings_that_do_not_say_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "services.toml").write_text(content)
    with pytest.raises(SsvctlError, match="is damaged; stop the operator and start it again"):
        find_signer(tmp_path, None, None)


def test_nobody_runs_there(tmp_path: Path) -> None:
    with pytest.raises(SsvctlError, match="nobody runs"):
        find_signer(tmp_path, None, None)
