from ssv_p2p_gateway.message_id import message_id


def test_the_hash_is_xxh64_little_endian_with_four_zero_bytes() -> None:
    # XXH64 with seed 0, from the algorithm's own description: of nothing, and of "a"
    assert message_id(b"").hex() == bytes.fromhex("ef46db3751d8e999")[::-1].hex() + "00000000"
    assert message_id(b"a").hex() == bytes.fromhex("d24ec4f1a98c6e5b")[::-1].hex() + "00000000"
