from dataclasses import replace

import pytest

from ssv_devnet.demo.rule_sets import Switch, switch_of
from ssv_devnet.demo.settings import LENIENT_MIN_PERCENT, DemoSettingError, DemoSettings, from_environment
from ssv_protocol.types.ids import Epoch


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
    names = "EPOCHS SLOT_S PLAIN KILL DOWN CRASH STORE KILL_SIGNER BEACONS MIN_INCLUDED OPERATORS VALIDATORS FORK_EPOCH"
    empty = {f"DEMO_{name}": "" for name in names.split()}
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
        ("DEMO_OPERATORS", "5"),
        ("DEMO_OPERATORS", "16"),
        ("DEMO_VALIDATORS", "0"),
        ("DEMO_VALIDATORS", "17"),
        ("DEMO_FORK_EPOCH", "1"),
        ("DEMO_CRASH", "3"),
        ("DEMO_KILL_SIGNER", "3"),
        ("DEMO_STORE", "mysql"),
        ("DEMO_BEACONS", "3"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(DemoSettingError, match=f"{name}="):
        from_environment({name: value})


def test_a_kill_needs_an_epoch_to_happen_in() -> None:
    with pytest.raises(DemoSettingError, match="DEMO_EPOCHS"):
        from_environment({"DEMO_KILL": "4", "DEMO_EPOCHS": "1"})


def test_signers_to_kill_need_a_database_that_two_can_share() -> None:
    with pytest.raises(DemoSettingError, match="DEMO_STORE=postgres"):
        from_environment({"DEMO_KILL_SIGNER": "1"})
    settings = from_environment({"DEMO_KILL_SIGNER": "1", "DEMO_STORE": "postgres", "DEMO_DOWN": "4"})
    assert (settings.kill_signer, settings.store, settings.min_percent) == (1, "postgres", 95)
    with pytest.raises(DemoSettingError, match="DEMO_EPOCHS of at least 2"):
        from_environment({"DEMO_KILL_SIGNER": "1", "DEMO_STORE": "postgres", "DEMO_EPOCHS": "1"})
    with pytest.raises(DemoSettingError, match="DEMO_CRASH or DEMO_KILL_SIGNER"):
        from_environment({"DEMO_KILL_SIGNER": "1", "DEMO_STORE": "postgres", "DEMO_CRASH": "2"})


def test_two_beacon_nodes_need_time_to_be_away_and_no_other_misfortune() -> None:
    assert from_environment({"DEMO_BEACONS": "2", "DEMO_DOWN": "4"}).beacons == 2
    with pytest.raises(DemoSettingError, match="DEMO_EPOCHS of at least 3"):
        from_environment({"DEMO_BEACONS": "2", "DEMO_EPOCHS": "2"})
    with pytest.raises(DemoSettingError, match="without DEMO_CRASH"):
        from_environment({"DEMO_BEACONS": "2", "DEMO_CRASH": "1"})


@pytest.mark.parametrize("operators", [7, 10, 13])
def test_a_larger_committee_has_long_slots_few_validators_and_one_process_an_operator(operators: int) -> None:
    settings = from_environment({"DEMO_OPERATORS": str(operators)})
    assert settings.slot_s == 12
    assert len(settings.validators) < len(from_environment({}).validators)
    assert settings.grouped == settings.operator_ids == tuple(range(1, operators + 1))


def test_a_larger_committee_refuses_short_slots_and_crashes_of_services() -> None:
    with pytest.raises(DemoSettingError, match=r"DEMO_SLOT_S=6: 13 operators .* at least 12 s"):
        from_environment({"DEMO_OPERATORS": "13", "DEMO_SLOT_S": "6"})
    with pytest.raises(DemoSettingError, match="DEMO_CRASH=1"):
        from_environment({"DEMO_OPERATORS": "7", "DEMO_CRASH": "1"})


def test_operators_of_a_larger_committee_may_be_killed() -> None:
    assert from_environment({"DEMO_OPERATORS": "7", "DEMO_KILL": "7"}).kill == (7,)


def test_validators_are_the_first_of_the_list() -> None:
    assert from_environment({"DEMO_VALIDATORS": "3"}).validators == from_environment({}).validators[:3]


@pytest.mark.parametrize("fork_epoch", [None, Epoch(0)])
def test_one_rule_set_is_no_switch(fork_epoch: Epoch | None) -> None:
    assert switch_of(replace(DemoSettings(), fork_epoch=fork_epoch), Epoch(1)) is None


def test_a_switch_is_seen_in_the_epochs_around_it() -> None:
    settings = from_environment({"DEMO_FORK_EPOCH": "2", "DEMO_EPOCHS": "3"})
    switch = switch_of(settings, Epoch(1))
    assert switch == Switch(Epoch(2))
    assert switch.epochs == (1, 2)


@pytest.mark.parametrize(
    ("first_counted", "epochs", "remedy"),
    [(2, 9, "DEMO_FORK_EPOCH=3 or more"), (3, 9, "DEMO_FORK_EPOCH=4 or more"), (1, 2, "DEMO_EPOCHS=3 or more")],
)
def test_a_switch_that_would_not_be_seen_is_refused(first_counted: int, epochs: int, remedy: str) -> None:
    settings = replace(DemoSettings(), fork_epoch=Epoch(2), epochs=epochs)
    with pytest.raises(DemoSettingError, match=f"^DEMO_FORK_EPOCH=2: .*{remedy}"):
        switch_of(settings, Epoch(first_counted))
