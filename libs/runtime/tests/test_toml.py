import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssv_runtime.toml import encode_toml

_KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,10}", fullmatch=True)
_TEXTS = st.text(st.characters(codec="utf-8"))
_PLAIN = st.one_of(_TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
_VALUES = st.one_of(_PLAIN, st.lists(_PLAIN, max_size=3))
_TABLES = st.dictionaries(_KEYS, _VALUES, max_size=4)


@given(st.dictionaries(_KEYS, st.one_of(_VALUES, _TABLES), max_size=5))
def test_comes_back_as_it_was(content: dict[str, object]) -> None:
    assert tomllib.loads(encode_toml(content)) == content


def test_paths_are_text_and_none_is_left_out() -> None:
    assert encode_toml({"key": Path("/a b"), "none": None, "signer": {"none": None}}) == 'key = "/a b"\n\n[signer]\n'


def test_what_toml_has_not() -> None:
    with pytest.raises(TypeError, match="bytes"):
        encode_toml({"key": b"\x00"})
