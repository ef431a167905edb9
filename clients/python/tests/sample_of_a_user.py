"""What mypy says of a user's program. A line with `# error: CODE` must be that error, no other may."""

import asyncio
from typing import Any, List

from sallyport import AsyncHost, Host, Result, WatchedOptions
from sallyport.celery import Remote


def playbook() -> None:
    with Host(sandbox=True, connections="file.json") as host:
        result = host.coda_footprint.list_devices(page=1, filter={"riskLevel": "critical"})
        names: List[str] = [one.name for one in result.files]
        host.bitdefender_gravityzone.isolate_endpoints(endpoint_ids=["a", "b"])
        host.bitdefender_gravityzone.isolate_endpoints(endpoint_ids=("a", "b"))
        host.using(connection="prod", timeout=5, dry_run=True).coda_footprint.list_tenants()
        for item in host.streaming(all_pages=True).coda_footprint.list_devices():
            print(item)
        sent: Result = host.submitting().coda_footprint.list_tenants().result()
        host.integration("other").anything(at="all")
        print(names, sent)
        for event in host.following(checkpoint="soc").gmail.fetch_event(
            user_email="soc@harbor.example", start_time="2026-11-16"
        ):
            print(event.event["fields"], event.seq, event.cursor)
            event.ack()
        for event in host.follow("vendor", "fetch", every_seconds=5, auto_ack=False):
            event.ack()
        spent: int = result.meta.spent_ms.vendor + result.meta.duration_ms
        print(spent, host.reload().rejected, host.metrics().splitlines())

        host.coda_footprint.list_devices(pages=1)  # error: call-arg
        host.coda_footprint.list_devices(page="one")  # error: arg-type
        host.coda_footprint.list_devices(1)  # error: call-arg
        host.coda_footprint.list_device_users()  # error: call-arg
        host.coda_footprint.list_devises()  # error: attr-defined
        host.coda_footprint.list_devices(filter={"riskLevl": "all"})  # error: arg-type
        host.coda_footprint.list_devices(filter={"riskLevel": "some"})  # error: arg-type
        host.bitdefender_gravityzone.isolate_endpoints(endpoint_ids="a")  # error: arg-type
        host.bitdefender_gravityzone.add_to_blocklist(
            hashes=["a"], hash_type="sha1", description=""  # error: arg-type
        )
        host.using(time_out=5)  # error: call-arg
        host.using(timeout="5")  # error: arg-type
        host.submitting(on_progress=print)  # error: call-arg
        host.coda_footprint.list_tenants().raw  # error: attr-defined
        Host(sand_box=True)  # error: call-arg
        host.following().coda_footprint  # error: attr-defined
        host.following(stream=True)  # error: call-arg
        host.following().gmail.fetch_event(user_email="a")  # error: call-arg
        Host(label=4711)  # error: arg-type
        host.gmial.list_users()  # error: attr-defined


async def later() -> None:
    async with AsyncHost(sandbox=True) as host:
        result: Result = await host.coda_footprint.list_tenants()
        async for item in host.streaming().coda_footprint.list_tenants():
            print(item, result)
        call = await host.submitting().coda_footprint.list_tenants()
        again: Result = await call
        async for event in host.following().gmail.fetch_event(user_email="a", start_time=0):
            await event.ack()
            event.ack()  # error: unused-coroutine
        print(again)

        wrong: Result = host.coda_footprint.list_tenants()  # error: assignment
        await host.coda_footprint.list_device_users(devise_id=1)  # error: call-arg
        print(wrong)


def elsewhere() -> None:
    with Remote(connection="prod") as remote:
        result: Result = remote.coda_footprint.list_devices(page=1)
        for item in remote.streaming(redelivered="repeat").coda_footprint.list_devices():
            print(item, result)
        sent: Result = remote.submitting(timeout=5).coda_footprint.list_tenants().result()
        print(sent)

        remote.coda_footprint.list_devices(pages=1)  # error: call-arg
        remote.using(redelivered="never")  # error: arg-type


options: WatchedOptions = {"timeout": 5, "on_progress": print}
anything: Any = playbook
asyncio.run(later())
