"""Settings: one typed class per service, every key by file, by environment and by argument.

Priority: argument `--nats-url`, environment `SSV_NATS_URL`, file (`--config operator.toml` or SSV_CONFIG), default. One
file may serve a whole operator: keys at the top are for all, a table named after a service (`[signer]`) for that one.
Lists are TOML lists in the file, and text with commas elsewhere. A settings object made in code reads neither
environment nor file.

Invariants: unknown keys in a file are refused by name; messages never show a value, which may be a secret in the
wrong place.

Not guaranteed: unknown SSV_ variables go unnoticed, for services share one environment.
"""

from __future__ import annotations

import argparse
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

from pydantic import Field, FilePath, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from ssv_protocol.errors import SsvError
from ssv_runtime.names import SERVICES

ENV_PREFIX = "SSV_"


class SettingsError(SsvError):
    """The settings, or a file that they name, cannot be used; the text is one line and names key and remedy."""


class ServiceSettings(BaseSettings):
    """What every service needs. Services add their own keys in a subclass, each with a description."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    network_file: FilePath = Field(description="The network: SSV domains and contract, genesis, fork schedule (JSON)")
    nats_url: str = Field("nats://127.0.0.1:4222", description="NATS server; several with commas between them")
    nats_user: str = Field("", description="User at the NATS server; empty for a server without accounts")
    nats_password_file: FilePath | None = Field(None, description="File with the user's password, read at each connect")
    nats_creds: FilePath | None = Field(None, description="NATS credentials file (JWT), instead of user and password")
    nats_tls: bool = Field(False, description="Whether to speak TLS to NATS, with the certificates below")
    nats_ca: FilePath | None = Field(None, description="Authority of a NATS of somebody else's (PEM); turns on TLS")
    nats_replicas: int = Field(1, ge=1, le=5, description="NATS servers that keep each stream: 3 where there are three")
    tls_ca: FilePath = Field(description="Certificate authority of all services (PEM)")
    tls_cert: FilePath = Field(description="Certificate of this service (PEM)")
    tls_key: FilePath = Field(description="Private key of that certificate (PEM)")
    health_host: str = Field("127.0.0.1", description="Address of /livez, /readyz and /metrics")
    health_port: int = Field(0, ge=0, le=65535, description="Port of /livez, /readyz and /metrics; 0 takes a free one")
    health_port_file: Path | None = Field(None, description="File to write the health port to")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")
    log_format: Literal["console", "json"] = Field("console", description="Logs for humans or for machines")
    drain_s: float = Field(45.0, ge=0, description="Seconds that running duties may take to finish after SIGTERM")
    otlp_endpoint: str = Field("", description="Collector of traces (OTLP over HTTP); empty: traces are not exported")
    trace_sample_ratio: float = Field(1.0, ge=0, le=1, description="Part of the traces that are recorded")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what the constructor is given; `load_settings` gathers file, environment and arguments."""
        return (init_settings,)


class GrpcServiceSettings(ServiceSettings):
    """Settings of a service that others call by gRPC."""

    grpc_host: str = Field("127.0.0.1", description="Address that gRPC listens on")
    grpc_port: int = Field(0, ge=0, le=65535, description="Port that gRPC listens on; 0 takes a free one")
    grpc_port_file: Path | None = Field(None, description="File to write the gRPC port to")


S = TypeVar("S", bound=ServiceSettings)


class _Text(EnvSettingsSource):
    """Values from text: environment and arguments."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Read JSON where it looks like JSON, else a list with commas."""
        if isinstance(value, str) and not value.lstrip().startswith(("[", "{")):
            return [part.strip() for part in value.split(",") if part.strip()]
        return json.loads(value)

    def decoded(self, name: str, text: str) -> Any:
        """Return the argument `text` as the field's value."""
        field = self.settings_cls.model_fields[name]
        return self.prepare_field_value(name, field, text, self.field_is_complex(field))


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message} (--help lists every setting)")


def parse_arguments(settings: type[ServiceSettings], argv: Sequence[str]) -> tuple[bool, str | None, dict[str, str]]:
    """Return whether help is asked for, the settings file, and the settings given as arguments.

    Raises:
        SettingsError: an argument is unknown or lacks its value.
    """
    parser = _Arguments(add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--config", default=os.environ.get(f"{ENV_PREFIX}CONFIG"))
    for key in settings.model_fields:
        parser.add_argument(f"--{key.replace('_', '-')}", dest=key, default=None)
    given = vars(parser.parse_args(argv))
    help_wanted, config = given.pop("help"), given.pop("config")
    return help_wanted, config, {key: text for key, text in given.items() if text is not None}


def read_settings_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the file's content.

    Raises:
        SettingsError: the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text())
    except OSError as error:
        raise SettingsError(f"settings file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path}: {error}") from None


def resolve(name: str, settings: type[S], file: Mapping[str, Any], arguments: Mapping[str, str]) -> S:
    """Return the settings of service `name` from the file's content, the environment and arguments.

    Raises:
        SettingsError: a key is unknown, missing or has a value that it cannot have.
    """
    text = _Text(settings)
    try:
        merged = {**for_service(name, file), **text(), **{key: text.decoded(key, arguments[key]) for key in arguments}}
        return settings(**merged)
    except ValidationError as error:
        raise SettingsError("; ".join(_problem(detail["loc"], detail["msg"]) for detail in error.errors())) from None
    except ValueError as error:
        raise SettingsError(str(error).splitlines()[0]) from None


def load_settings(name: str, settings: type[S], argv: Sequence[str]) -> S | None:
    """Return the settings of service `name`, or None when the arguments ask for help.

    Raises:
        SettingsError: see `parse_arguments`, `read_settings_file` and `resolve`.
    """
    help_wanted, config, arguments = parse_arguments(settings, argv)
    if help_wanted:
        return None
    return resolve(name, settings, read_settings_file(config) if config else {}, arguments)


def for_service(name: str, file: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a settings file that concern service `name`: those for all, then those of its own table."""
    shared = {key: value for key, value in file.items() if key not in SERVICES}
    own = file.get(name, {})
    if not isinstance(own, dict):
        raise SettingsError(f"{name}: not a table")
    return shared | own


def _problem(place: tuple[int | str, ...], message: str) -> str:
    key = ".".join(str(part) for part in place) or "settings"
    if message == "Extra inputs are not permitted":
        return f"{key}: no such setting (--help lists every setting)"
    if message == "Field required":
        return f"{key}: must be set (--{key.replace('_', '-')}, {ENV_PREFIX}{key.upper()} or in the file)"
    return f"{key}: {message[:1].lower()}{message[1:]}"
