from __future__ import annotations

from pathlib import Path

import structlog
from libp2p.crypto.secp256k1 import create_new_key_pair
from libp2p.peer.id import ID
from structlog.testing import capture_logs

from ssv_p2p_gateway.static_peers import PeersFile


def address(port: int) -> str:
    return f"/ip4/127.0.0.1/tcp/{port}/p2p/{ID.from_pubkey(create_new_key_pair().public_key)}"


def test_the_file_is_read_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "peers"
    file = PeersFile(path, structlog.get_logger())
    assert file.changed() == []
    assert file.changed() is None
    first, second = address(1), address(2)
    path.write_text(f"# peers\n\n  {first}\n{second}\n")
    changed = file.changed()
    assert changed is not None
    assert [str(peer.peer_id) for peer in changed] == [first.rpartition("/")[2], second.rpartition("/")[2]]
    assert file.changed() is None
    path.write_text(first)
    assert len(file.changed() or ()) == 1
    path.unlink()
    assert file.changed() == []


def test_a_bad_line_is_named_and_the_others_count(tmp_path: Path) -> None:
    path = tmp_path / "peers"
    path.write_text(f"nonsense\n/ip4/127.0.0.1/tcp/5\n/ip4/127.0.0.1/udp/5/p2p/x\n{address(3)}\n")
    with capture_logs() as logs:
        assert len(PeersFile(path, structlog.get_logger()).changed() or ()) == 1
    assert [entry["line"] for entry in logs] == ["nonsense", "/ip4/127.0.0.1/tcp/5", "/ip4/127.0.0.1/udp/5/p2p/x"]


def test_what_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    with capture_logs() as logs:
        assert PeersFile(tmp_path, structlog.get_logger()).changed() is None
    assert len(logs) == 1
