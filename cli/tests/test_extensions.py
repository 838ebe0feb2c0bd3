from importlib.metadata import EntryPoint, EntryPoints

import pytest
import typer
from typer.testing import CliRunner

from ssvctl import extensions

installed = typer.Typer()


@installed.command()
def up(epochs: int = 1) -> None:
    typer.echo(f"up for {epochs}")


@installed.command()
def down() -> None:
    raise typer.Exit(3)


def app_with(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> typer.Typer:
    monkeypatch.setattr(extensions, "entry_points", lambda group: EntryPoints(points).select(group=group))
    app = typer.Typer()
    app.command("other")(lambda: None)
    extensions.add_extensions(app)
    return app


def test_an_installed_command(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("devnet", "cli.tests.test_extensions:installed", extensions.GROUP)
    app = app_with(monkeypatch, point)
    result = CliRunner().invoke(app, ["devnet", "up", "--epochs", "4"])
    assert (result.exit_code, result.stdout) == (0, "up for 4\n")
    assert CliRunner().invoke(app, ["devnet", "down"]).exit_code == 3
    assert "--epochs" in CliRunner().invoke(app, ["devnet", "up", "--help"]).stdout


def test_a_missing_command_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app_with(monkeypatch), ["devnet", "up", "--epochs", "4"])
    assert result.exit_code == 1
    assert result.stderr == "ssvctl: devnet is not installed; install the package ssv-devnet\n"
