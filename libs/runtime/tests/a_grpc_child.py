"""A signer that only says who calls it, as a process, which can hang: `a_grpc_child CERTIFICATES PORT_FILE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from libs.runtime.tests.test_rpc import a_signer


async def serve(certificates: Path, port_file: Path) -> None:
    async with a_signer(certificates, grpc_port_file=port_file):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
