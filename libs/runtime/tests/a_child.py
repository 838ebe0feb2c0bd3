"""A service as a process, for the lifecycle tests: `mode` says how it behaves."""

from __future__ import annotations

import asyncio
import sys

from pydantic import Field

from ssv_runtime.network_file import read_network_file
from ssv_runtime.service import Service, ServiceSpec, main
from ssv_runtime.settings import ServiceSettings


class ChildSettings(ServiceSettings):
    mode: str = Field("orderly", description="How to behave")


async def run(settings: ChildSettings, service: Service) -> None:
    network = read_network_file(settings.network_file)
    service.log.info("running", network=network.ssv.name)
    if settings.mode == "fails":
        raise RuntimeError("a defect")
    if settings.mode == "ends":
        return
    await service.stopping.wait()
    service.log.info("draining")
    if settings.mode == "stuck":
        await asyncio.Event().wait()
    service.log.info("drained")


SERVICE = ServiceSpec("consensus", ChildSettings, run)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
