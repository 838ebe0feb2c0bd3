from __future__ import annotations

from pathlib import Path

import pytest

from ssv_p2p_gateway.network_key import FILE, load_network_key
from ssv_runtime.settings import SettingsError


def test_a_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    made = load_network_key(folder)
    assert load_network_key(folder).private_key.to_bytes() == made.private_key.to_bytes()
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    other = load_network_key(tmp_path / "other")
    assert other.private_key.to_bytes() != made.private_key.to_bytes()


@pytest.mark.parametrize("content", ["", "no key", "00" * 32, "11" * 33])
def test_a_spoiled_file_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(SettingsError) as refused:
        load_network_key(tmp_path)
    assert str(tmp_path / FILE) in str(refused.value)
    assert not content or content not in str(refused.value)


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="data_dir"):
        load_network_key(tmp_path / "file")
