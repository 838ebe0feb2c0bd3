"""The API's description: the file in the repository is what the server gives, and schemathesis finds no error in it.

It runs twice: over the document as it is served, with random requests (SSV_SCHEMATHESIS_EXAMPLES for each operation,
default 100); and over its boundaries one after another, without whole blocks of the first two forks, whose lists of
lists would take it hours.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest
from services.signer.tests.databases import ON_SQLITE
from services.signer.tests.harness import Signer
from services.signer.tests.remote.api import Api, begin, serving
from services.signer.tests.remote.world import hexed, new_key

from ssv_signer.remote.openapi import encoded

pytestmark = pytest.mark.asyncio
FILE = Path(__file__).parents[2] / "openapi.json"
EXAMPLES = os.environ.get("SSV_SCHEMATHESIS_EXAMPLES", "100")
CONFIGURATION = """
[parameters]
{parameters}
[checks]
# a well-formed request may be refused: 412 says why, 409 that a reload is running
positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 412]
"""
_CASES = re.compile(r"(\d[\d,]*) generated")


async def schemathesis(api: Api, folder: Path, document: str, phases: str, parameters: str) -> int:
    """Run it against the server; gives how many requests it made."""
    configuration = folder / "schemathesis.toml"
    configuration.write_text(CONFIGURATION.format(parameters=parameters))
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(configuration)),
        *("run", document, "--url", api.base, "--phases", phases, "--checks", "all", "--max-examples", EXAMPLES),
        *("--seed", "1", "--no-color", "--workers", "1", "--generation-database", "none"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    found = _CASES.search(said.decode())
    assert found is not None, said.decode()
    return int(found[1].replace(",", ""))


def without_whole_blocks() -> bytes:
    document = json.loads(encoded())
    schemas = document["components"]["schemas"]
    kinds = schemas["SigningRequest"]
    kinds["oneOf"] = [kind for kind in kinds["oneOf"] if not kind["$ref"].endswith("/BlockSigning")]
    del kinds["discriminator"]
    forms = schemas["BlockV2Signing"]["properties"]["beacon_block"]
    forms["anyOf"] = [form for form in forms["anyOf"] if "block_header" in form["properties"]]
    return json.dumps(document).encode()


@ON_SQLITE
async def test_the_file_is_what_the_server_gives(signer: Signer) -> None:
    async with serving(signer) as api:
        served = (await api.call("GET", "/openapi.json")).body
    assert served == json.loads(FILE.read_bytes())
    assert encoded() == FILE.read_bytes(), f"make it anew: python -m ssv_signer.remote.openapi > {FILE.name}"


@ON_SQLITE
@pytest.mark.parametrize("known", [True, False], ids=["known key", "any key"])
async def test_schemathesis_finds_no_error(signer: Signer, *, known: bool) -> None:
    secret = new_key()
    small = signer.folder / "small.json"
    small.write_bytes(without_whole_blocks())
    async with serving(signer, [secret]) as api:
        await begin(api, signer, secret.public_key())
        parameters = f'identifier = "{hexed(secret.public_key())}"' if known else ""
        random = await schemathesis(api, signer.folder, f"{api.base}/openapi.json", "examples,fuzzing", parameters)
        boundaries = await schemathesis(api, signer.folder, str(small), "coverage", parameters)
    print(f"schemathesis: {random} random cases, {boundaries} at boundaries")  # noqa: T201 (the counts are a result)
    assert boundaries > 1000
    assert '"level":"error"' not in signer.lines.getvalue().replace(" ", "")
