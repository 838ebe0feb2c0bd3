import pytest

from ssv_devnet.demo.settings import LENIENT_MIN_PERCENT, DemoSettingError, from_environment


def test_defaults() -> None:
    settings = from_environment({})
    assert (settings.epochs, settings.slot_s, settings.plain, settings.kill, settings.min_percent) == (
        3,
        6,
        False,
        (),
        95,
    )


def test_empty_variables_mean_the_default_as_make_passes_them() -> None:
    empty = {"DEMO_EPOCHS": "", "DEMO_SLOT_S": "", "DEMO_PLAIN": "", "DEMO_KILL": "", "DEMO_MIN_INCLUDED": ""}
    assert from_environment(empty) == from_environment({})


@pytest.mark.parametrize("text", ["3,4", "3 4", "3, 4"])
def test_operators_to_kill_and_a_lenient_minimum(text: str) -> None:
    settings = from_environment({"DEMO_KILL": text})
    assert settings.kill == (3, 4)
    assert settings.min_percent == LENIENT_MIN_PERCENT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEMO_EPOCHS", "many"),
        ("DEMO_EPOCHS", "0"),
        ("DEMO_SLOT_S", "1.5"),
        ("DEMO_KILL", "5"),
        ("DEMO_KILL", "all"),
        ("DEMO_MIN_INCLUDED", "101"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(DemoSettingError, match=f"{name}="):
        from_environment({name: value})


def test_a_kill_needs_an_epoch_to_happen_in() -> None:
    with pytest.raises(DemoSettingError, match="DEMO_EPOCHS"):
        from_environment({"DEMO_KILL": "4", "DEMO_EPOCHS": "1"})
