"""Settings of the signer."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, FilePath

from ssv_runtime.settings import GrpcServiceSettings


class SignerSettings(GrpcServiceSettings):
    """Where the keys and the record lie."""

    store: Literal["sqlite", "postgres"] = Field("sqlite", description="Where shares and record lie")
    data_dir: Path = Field(Path("signer"), description="Folder of the SQLite file: shares and record; on a local disk")
    postgres_dsn_file: Path | None = Field(
        None, description="File with the connection string of PostgreSQL, read at each connect; secret"
    )
    postgres_replicated: bool = Field(
        False, description="Whether PostgreSQL has standby servers: then one must be synchronous, or it is not ready"
    )
    cold_start: Literal["witness", "trust-disk"] = Field(
        "witness",
        description="Whether a committee waits for an epoch when nobody can tell that the database is the latest "
        "(witness), or the database is believed, which only a local disk that is never restored allows (trust-disk)",
    )
    keep_history: bool = Field(
        False,
        description="Whether every attestation and block that is signed is kept, for `ssvctl slashing export --form "
        "complete`; about 100 bytes each for ever. What may be signed does not depend on it",
    )
    operator_key_file: Path = Field(description="The operator's RSA key, as `ssvctl keys generate` writes it")
    operator_key_password_file: Path | None = Field(
        None, description="File with the key's password; unset for a key that is not encrypted"
    )
    share_store: Literal["local", "remote"] = Field(
        "local", description="Where the keys of shares lie: sealed in the database, or in an external store"
    )
    remote_share_store_url: str = Field(
        "", description="The external store, which speaks the ethereum remote-signing API (Web3Signer does)"
    )
    remote_share_store_ca: FilePath | None = Field(
        None, description="Authority of its certificate (PEM); unset: those of the system"
    )
    remote_share_store_cert: FilePath | None = Field(None, description="Certificate that it is shown (PEM)")
    remote_share_store_key: FilePath | None = Field(None, description="Private key of that certificate (PEM)")
    remote_share_store_bearer_file: Path | None = Field(
        None, description="File with a bearer token for it, read at each request; secret"
    )
    remote_share_store_timeout_s: float = Field(
        2.0, gt=0, description="How long it may take to sign what is in one message"
    )
    remote_share_store_connections: int = Field(32, ge=1, description="Most requests to it at once")
    max_batch: int = Field(512, ge=1, description="Most requests that share one transaction")
    max_stream_requests: int = Field(1024, ge=1, description="Most requests of one stream that wait for their answer")
    signing_threads: int = Field(0, ge=0, description="Threads that sign; 0 takes one for each core")
    remote_api_listen: str = Field("", description="host:port of the remote-signing HTTP API; empty: it is off")
    remote_api_port_file: Path | None = Field(None, description="File to write that API's port to")
    remote_api_tls: bool = Field(False, description="Whether that API speaks TLS and asks for certificates")
    remote_api_ca: FilePath | None = Field(None, description="Authority of its callers (PEM); unset: tls_ca")
    remote_api_callers: tuple[str, ...] = Field((), description="Names in the certificates of those who may call it")
    remote_keys_dir: Path | None = Field(
        None, description="Folder of its keys: EIP-2335 keystores name.json, passwords in name.txt"
    )
    remote_keys_start: Literal["import-required", "empty"] = Field(
        "import-required", description="Whether a key without a slashing record may attest and propose (empty)"
    )
    remote_denied_types: tuple[str, ...] = Field(("DEPOSIT",), description="Types of objects that it never signs")
