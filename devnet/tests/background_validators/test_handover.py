import pytest

from ssv_devnet.background_validators.handover import Handover, parse_indices, parse_release
from ssv_protocol.types.ids import Epoch, ValidatorIndex

SEVEN = ValidatorIndex(7)


def test_duties_end_with_the_epoch_of_the_release() -> None:
    handover = Handover()
    handover.release([SEVEN], Epoch(3))
    assert [handover.runs(SEVEN, Epoch(epoch)) for epoch in range(5)] == [True, True, True, False, False]
    assert handover.runs(ValidatorIndex(8), Epoch(9))


@pytest.mark.parametrize("epochs", [(3, 5), (5, 3)])
def test_a_key_once_given_away_never_comes_back(epochs: tuple[int, int]) -> None:
    handover = Handover()
    for epoch in epochs:
        handover.release([SEVEN], Epoch(epoch))
    assert not handover.runs(SEVEN, Epoch(3))


def test_indices_are_read() -> None:
    assert parse_indices("3") == (3,)
    assert parse_indices("3,16-18,20") == (3, 16, 17, 18, 20)
    assert parse_release("release 16-17 5\n") == ((16, 17), 5)


@pytest.mark.parametrize("text", ["", "x", "3-", "-3", "5-3", "3,,4"])
def test_malformed_indices_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal|empty range"):
        parse_indices(text)


@pytest.mark.parametrize("line", ["", "release 3", "keep 3 5", "release 3 5 6", "release 3 soon"])
def test_malformed_commands_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"expected `release|invalid literal"):
        parse_release(line)
