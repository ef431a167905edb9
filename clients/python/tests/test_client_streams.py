"""Streams of `Host`."""

from __future__ import annotations

import gc

import pytest
from conftest import FakeHost, eventually
from sallyport import Cancelled, CommandError, Host, Progress, SallyportError

#: Pages come slowly enough to leave before the last one.
SLOW = ["coda: slow 1500ms on GET /api/console/elements/devices/"]


def test_items_come_in_order_and_the_result_after_them(sandbox: Host) -> None:
    progress: list[Progress] = []
    stream = sandbox.streaming(all_pages=True, on_progress=progress.append).coda_footprint.list_devices()
    ids = [device["id"] for device in stream]
    assert ids == list(range(1045, 1000, -1))
    assert stream.result().meta.items == 45 and stream.result().raw_data is None
    assert progress[-1] == Progress(3, 3)
    assert list(stream) == []


def test_calls_can_be_made_between_items(sandbox: Host) -> None:
    names = []
    for device in sandbox.streaming(all_pages=True).coda_footprint.list_devices():
        [request] = sandbox.using(dry_run=True).coda_footprint.list_device_users(
            device_id=device["id"]
        ).requests
        names.append(request["url"])
    assert len(set(names)) == 45


def test_targets_are_items_as_they_finish(sandbox: Host) -> None:
    targets = ["6affe1e0b1a43d0003000001", "000000000000000000000000"]
    items = list(
        sandbox.streaming().bitdefender_gravityzone.get_managed_endpoint_details(
            managed_endpoint_ids=targets
        )
    )
    assert {item["target"]: item["return_data"] for item in items} == {
        targets[0]: "Successful",
        targets[1]: "Failed",
    }


@pytest.mark.parametrize("leave", ["break", "with", "close"])
def test_leaving_early_cancels(leave: str) -> None:
    with Host(sandbox=True, sandbox_faults=SLOW) as host:
        streaming = host.streaming(all_pages=True).coda_footprint
        if leave == "break":
            for _ in streaming.list_devices():
                break
            gc.collect()
        elif leave == "with":
            with streaming.list_devices() as stream:
                next(stream)
        else:
            stream = streaming.list_devices()
            next(stream)
            stream.close()
            assert list(stream) == []
            with pytest.raises(Cancelled):
                stream.result()
        # The cancelled call is the only one that ends with an error.
        eventually(lambda: host.stats()["errors"] == 1)


def test_reading_to_the_end_cancels_nothing(sandbox: Host) -> None:
    before = sandbox.stats()["errors"]
    with sandbox.streaming().coda_footprint.list_devices() as stream:
        assert len(list(stream)) == 20
    assert sandbox.stats()["errors"] == before


def test_error_is_raised_after_the_items_before_it(fake_host: FakeHost) -> None:
    failing = fake_host("""
        for request in requests():
            if request["method"] == "invoke":
                notify("invoke/item", id=request["id"], seq=0, item="one")
                say({"jsonrpc": "2.0", "id": request["id"], "error": {
                    "code": -32000, "message": "It failed.", "data": {"kind": "network"}}})
            if request["method"] == "shutdown":
                break
    """)
    with Host(failing) as host:
        stream = host.stream("vendor", "list")
        assert next(stream) == "one"
        with pytest.raises(CommandError):
            next(stream)
        assert list(stream) == []


def test_a_missing_item_is_an_error(fake_host: FakeHost) -> None:
    losing = fake_host("""
        for request in requests():
            if request["method"] == "invoke":
                notify("invoke/item", id=request["id"], seq=0, item="one")
                notify("invoke/item", id=request["id"], seq=2, item="three")
                answer(request, SUCCESS)
            if request["method"] == "shutdown":
                break
    """)
    with Host(losing) as host:
        stream = host.stream("vendor", "list")
        assert next(stream) == "one"
        with pytest.raises(SallyportError, match="Item 1 of vendor.list is missing"):
            next(stream)
