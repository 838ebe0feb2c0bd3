"""Settings of the signer."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from ssv_runtime.settings import GrpcServiceSettings


class SignerSettings(GrpcServiceSettings):
    """Where the keys and the record lie."""

    store: Literal["sqlite", "postgres"] = Field("sqlite", description="Where shares and record lie")
    data_dir: Path = Field(Path("signer"), description="Folder of the SQLite file: shares and record; on a local disk")
    postgres_dsn_file: Path | None = Field(
        None, description="File with the connection string of PostgreSQL, read at each connect; secret"
    )
    operator_key_file: Path = Field(description="The operator's RSA key, as `ssvctl keys generate` writes it")
    operator_key_password_file: Path | None = Field(
        None, description="File with the key's password; unset for a key that is not encrypted"
    )
    max_batch: int = Field(256, ge=1, description="Most requests that share one transaction")
    max_stream_requests: int = Field(1024, ge=1, description="Most requests of one stream that wait for their answer")
    signing_threads: int = Field(0, ge=0, description="Threads that sign; 0 takes one for each core")
