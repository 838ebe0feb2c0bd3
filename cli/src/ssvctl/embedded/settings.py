"""What the operator of an embedded node says: `operator.toml` in its folder, or the options of `ssvctl up`.

Relative paths in the file are meant from the file's folder, relative paths in options from the working directory. A
table named after a service (`[consensus]`) holds further settings of that service, as its `--help` lists them.

Invariant: unknown keys are refused by name, and no message shows a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, ValidationError

from ssv_runtime.names import SERVICES
from ssv_runtime.settings import read_settings_file
from ssvctl.errors import SsvctlError

_PATHS = ("network_file", "operator_key_file", "operator_key_password_file", "p2p_peers_file")
_OPTION_OF = {
    "beacon_urls": "--beacon-url",
    "execution_urls": "--execution-url",
    "operator_key_password_file": "--password-file",
}


_GRAFFITI_BYTES = 32


def _graffiti(text: str) -> str:
    if len(text.encode()) > _GRAFFITI_BYTES:
        raise ValueError(f"more than {_GRAFFITI_BYTES} bytes")
    return text


def _ip_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("not an IP address") from None


class OperatorSettings(BaseModel):
    """One operator. `p2p_listen_port` 0 takes a free one, which a public node can't use: peers dial it.

    Of `network` and `network_file` one is there; with the name alone the file is made in the operator's folder.

    What concerns blocks and builders is left to the services' own defaults where it is None. `gas_limit` must be the
    same for all operators of a committee, because they sign it together.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    network: Literal["mainnet", "hoodi", "sepolia", "holesky", "local"] | None = None
    network_file: FilePath | None = None
    operator_key_file: FilePath
    operator_key_password_file: FilePath | None = None
    beacon_urls: Annotated[tuple[str, ...], Field(min_length=1)]
    execution_urls: Annotated[tuple[str, ...], Field(min_length=1)]
    p2p_listen_host: Annotated[str, AfterValidator(_ip_address)] = "127.0.0.1"
    p2p_listen_port: Annotated[int, Field(ge=0, le=65535)] = 0
    p2p_peers_file: Path | None = None
    graffiti: Annotated[str, AfterValidator(_graffiti)] | None = None
    builder_boost_percent: Annotated[int, Field(ge=0)] | None = None
    builder_registrations: bool | None = None
    doppelganger_protection: bool | None = None
    gas_limit: Annotated[int, Field(gt=0)] | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"
    drain_s: Annotated[float, Field(ge=0)] = 45.0
    services: Mapping[str, Mapping[str, Any]] = {}


def read_operator_settings(file: Path, options: Mapping[str, Any]) -> OperatorSettings:
    """Return the settings of `file`, which may be missing, with `options` (those not None) over them.

    Raises:
        SettingsError: the file can't be read.
        SsvctlError: a key is missing, unknown or has a value that it can't have.
    """
    content = read_settings_file(file) if file.exists() else {}
    tables = {name: content.pop(name) for name in SERVICES if name in content}
    for key in _PATHS:
        if isinstance(content.get(key), str):
            content[key] = file.parent / content[key]
    if isinstance(content.get("execution_url"), str):  # what there was before there could be several
        content.setdefault("execution_urls", [content.pop("execution_url")])
    given = {key: value for key, value in options.items() if value is not None}
    try:
        settings = OperatorSettings.model_validate({**content, **given, "services": tables})
    except ValidationError as error:
        problems = "; ".join(_problem(detail["loc"], detail["msg"]) for detail in error.errors())
        raise SsvctlError(f"settings of the operator: {problems}") from None
    if settings.network is None and settings.network_file is None:
        raise SsvctlError(
            "settings of the operator: network is missing; give --network, or --network-file for a local one, or write "
            "it into operator.toml"
        )
    return settings


def _problem(place: tuple[int | str, ...], message: str) -> str:
    key = str(place[0]) if place else "settings"
    if message == "Field required":
        option = _OPTION_OF.get(key, f"--{key.replace('_', '-')}")
        return f"{key} is missing; give {option} or write it into operator.toml"
    if message == "Extra inputs are not permitted":
        return f"{key} is no setting"
    return f"{key}: {message[:1].lower()}{message[1:]}"
