from ssv_consensus.seen import SeenMessages


def test_a_message_is_new_once_and_forgotten_when_others_push_it_out() -> None:
    seen = SeenMessages(limit=2)
    assert [seen.is_new(data) for data in (b"a", b"a", b"b", b"a", b"c", b"b", b"a")] == [
        True,
        False,
        True,
        False,
        True,
        False,
        True,
    ]
