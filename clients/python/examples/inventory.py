#!/usr/bin/env python3
"""Lists critical devices and their number of vulnerabilities, with concurrent requests.

python3 inventory.py --sandbox
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from sallyport import AsyncHost, CommandError


async def count(host: AsyncHost, device: dict[str, Any]) -> tuple[str, str]:
    try:
        found = host.streaming(
            all_pages=True, timeout=60
        ).coda_footprint.list_device_vulnerabilities(device_id=device["id"])
        return device["name"], str(len([one async for one in found]))
    except CommandError as error:
        return device["name"], error.message


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sandbox", action="store_true", help="emulated vendors, no account")
    parser.add_argument("--connections", help="the connections file")
    options = parser.parse_args()

    async with AsyncHost(sandbox=options.sandbox, connections=options.connections) as host:
        critical = host.streaming(all_pages=True).coda_footprint.list_devices(
            filter={"riskLevel": "critical"}
        )
        tasks = [asyncio.ensure_future(count(host, device)) async for device in critical]
        for name, vulnerabilities in await asyncio.gather(*tasks):
            print(f"{name:<16} {vulnerabilities}")


if __name__ == "__main__":
    asyncio.run(main())
