"""One process with a whole operator: `python -m ssv_runtime.grouped --config operator.toml [signer consensus …]`.

Services are found by the entry points "ssv.services". Keys at the top of the file go to every service that knows them;
a table named after a service is for that one. A key that no service knows is refused.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

from ssv_runtime.names import SERVICES
from ssv_runtime.service import ServiceSpec, bad_settings, run_grouped
from ssv_runtime.settings import ENV_PREFIX, ServiceSettings, SettingsError, read_settings_file, resolve

ENTRY_POINTS = "ssv.services"


def installed_services(names: Sequence[str] = ()) -> list[ServiceSpec[Any]]:
    """Return the installed services with these names, in this order; without names all, those first that others need.

    Raises:
        SettingsError: a service is not installed.
    """
    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    missing = [name for name in names if name not in found]
    if missing:
        raise SettingsError(f"{missing[0]}: no such service; installed are {', '.join(sorted(found))}")
    return [found[name].load() for name in names or (known for known in SERVICES if known in found)]


def grouped_settings(
    specs: Sequence[ServiceSpec[Any]], file: Mapping[str, Any]
) -> list[tuple[ServiceSpec[Any], ServiceSettings]]:
    """Return each service with its settings out of one file.

    Raises:
        SettingsError: a key is unknown to all, or a service's settings cannot be used.
    """
    known = {key for spec in specs for key in spec.settings.model_fields}
    unknown = [key for key in file if key not in known and key not in SERVICES]
    if unknown:
        raise SettingsError(f"{unknown[0]}: no such setting in {', '.join(spec.name for spec in specs)}")
    return [(spec, _settings_of(spec, file)) for spec in specs]


def _settings_of(spec: ServiceSpec[Any], file: Mapping[str, Any]) -> ServiceSettings:
    keys = spec.settings.model_fields
    mine = {key: value for key, value in file.items() if key in keys or key in SERVICES}
    try:
        settings: ServiceSettings = resolve(spec.name, spec.settings, mine, {})
    except SettingsError as error:
        raise SettingsError(f"[{spec.name}] {error}") from None
    return settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run the services in one process; returns the exit status."""
    parser = argparse.ArgumentParser(prog="ssv grouped", description="Run several services in one process.")
    parser.add_argument("--config", default=os.environ.get(f"{ENV_PREFIX}CONFIG"), help="settings file (TOML)")
    parser.add_argument("services", nargs="*", help="services to run (default: all that are installed)")
    arguments = parser.parse_args(argv)
    try:
        file = read_settings_file(arguments.config) if arguments.config else {}
        group = grouped_settings(installed_services(arguments.services), file)
    except SettingsError as error:
        return bad_settings("grouped", error)
    return asyncio.run(run_grouped(group))


if __name__ == "__main__":
    sys.exit(main())
