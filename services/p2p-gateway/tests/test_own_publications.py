from __future__ import annotations

from ssv_p2p_gateway.own_publications import OwnPublications

TOPIC, DATA = "ssv.v2.1", b"message"


def test_what_reached_peers_is_remembered_with_their_number() -> None:
    own = OwnPublications()
    own.add(TOPIC, DATA, 3)
    assert own.of(TOPIC, DATA) == 3
    assert own.of("ssv.v2.2", DATA) == 0
    assert own.of(TOPIC, b"another") == 0


def test_the_oldest_is_forgotten() -> None:
    own = OwnPublications(limit=2)
    for number in range(3):
        own.add(TOPIC, bytes([number]), number + 1)
    assert [own.of(TOPIC, bytes([number])) for number in range(3)] == [0, 2, 3]
