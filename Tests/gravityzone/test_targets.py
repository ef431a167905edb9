"""Commands with several targets: run concurrently, returned in input order, with per-target outcomes."""

import json
import threading

import pytest
from Support.control_center import FAST, ControlCenter, failure, success
from Support.session import PATIENCE, Host
from Support.upstream import Reply, hang_up

LABEL = "update_endpoint_labels"
REFUSED = "Endpoint not found or not enough privileges to access this resource."


def ids(count):
    return [f"5b680f6fb1a43d860a7b{number:04x}" for number in range(count)]


def answering(bad, how=lambda request: failure(request, REFUSED)):
    """Returns true, except for the bad endpoints."""

    def answer(request, method, params):
        return how(request) if params["endpointId"] in bad else success(request, True)

    return answer


def test_all_succeed():
    with ControlCenter(lambda r, m, params: success(r, params["endpointId"])) as center:
        with Host(center.connection()) as host:
            result = host.result(LABEL, {"endpoint_ids": ids(40), "label": "x"})
    assert result["return_data"] == "Successful"
    # The complete envelopes, in input order.
    assert [body["result"] for body in result["raw_data"]] == ids(40)
    sent = {r.json["params"]["endpointId"]: r.json["id"] for r in center.requests}
    assert [body["id"] for body in result["raw_data"]] == [sent[id] for id in ids(40)]
    assert result["targets"] == [{"target": id, "return_data": "Successful"} for id in ids(40)]
    assert "errors" not in result
    assert result["meta"]["requests"] == 40


def test_one_target_is_returned_in_a_list():
    with ControlCenter() as center, Host(center.connection()) as host:
        result = host.result(LABEL, {"endpoint_ids": ids(1)})
    assert [body["result"] for body in result["raw_data"]] == [True]


SERVICE = "computers_and_virtual_machines"
SCAN, REMOVE = "create_scan_task", "remove_quarantine_files"


@pytest.mark.parametrize("command, arguments", [
    (SCAN, {"endpoint_ids": ids(3)}), (SCAN, {"mac_addresses": ["324935237335"]}),
    (REMOVE, {"quarantine_item_ids": ids(1), "quarantine_item_service": SERVICE}),
    (REMOVE, {"quarantine_item_ids": ids(100), "quarantine_item_service": SERVICE}),
])
def test_the_body_of_the_only_request_is_the_raw_data(command, arguments):
    with ControlCenter() as center, Host(center.connection()) as host:
        result = host.result(command, arguments)
        assert result["raw_data"] == {"id": center.requests[0].json["id"], "jsonrpc": "2.0", "result": True}
        assert len(center.requests) == 1 and result["return_data"] == "Successful"
        assert "raw_data" not in host.result(command, arguments, stream=True)


@pytest.mark.parametrize("command, arguments", [
    (SCAN, {"endpoint_ids": ids(3), "mac_addresses": ["324935237335"]}),
    (REMOVE, {"quarantine_item_ids": ids(101), "quarantine_item_service": SERVICE}),
])
def test_the_bodies_of_two_requests_are_a_list(command, arguments):
    with ControlCenter() as center, Host(center.connection()) as host:
        raw_data = host.result(command, arguments)["raw_data"]
    assert [body["result"] for body in raw_data] == [True, True]


def test_the_body_of_one_of_two_requests_is_in_a_list():
    def answer(request, method, params):
        return failure(request, "No.") if method == "createScanTask" else success(request, True)

    with ControlCenter(answer) as center, Host(center.connection()) as host:
        result = host.result(SCAN, {"endpoint_ids": ids(1), "mac_addresses": ["324935237335"]})
    assert result["return_data"] == "Partially Successful"
    assert [body["result"] for body in result["raw_data"]] == [True]


def test_some_fail():
    bad = [ids(5)[1], ids(5)[3]]
    with ControlCenter(answering(bad)) as center, Host(center.connection()) as host:
        result = host.result(LABEL, {"endpoint_ids": ids(5)})
    assert result["return_data"] == "Partially Successful"
    assert len(result["raw_data"]) == 3
    assert [t["target"] for t in result["targets"]] == ids(5)
    assert [t["return_data"] for t in result["targets"]] == [
        "Successful", "Failed", "Successful", "Failed", "Successful"]
    assert [error["target"] for error in result["errors"]] == bad
    for error in result["errors"]:
        assert error["failure_indicator"] == "Update Endpoint Labels failed."
        assert (error["status_code"], error["message"]) == (403, REFUSED)
        assert (error["kind"], error["outcome"]) == ("permission", "not_applied")
    assert result["targets"][1]["error"]["message"] == REFUSED


def test_all_fail():
    with ControlCenter(answering(ids(3))) as center, Host(center.connection()) as host:
        data = host.failure(LABEL, {"endpoint_ids": ids(3)})
    assert (data["return_data"], data["status_code"], data["message"]) == ("Failed", 403, REFUSED)
    assert data["failure_indicator"] == "Update Endpoint Labels failed."
    assert data["outcome"] == "not_applied"
    assert [(t["target"], t["return_data"]) for t in data["targets"]] == [
        (id, "Failed") for id in ids(3)]


def test_a_target_with_an_unknown_outcome_makes_the_failure_unknown():
    with ControlCenter(lambda *_: hang_up) as center, Host(center.connection()) as host:
        data = host.failure("isolate_endpoints", {"endpoint_ids": ids(2)})
    assert data["outcome"] == "unknown"
    assert "get_managed_endpoint_details" in data["remedy"]
    assert [t["error"]["outcome"] for t in data["targets"]] == ["unknown", "unknown"]


def test_an_unknown_outcome_does_not_affect_other_targets():
    bad = ids(2)[0]

    def answer(request, method, params):
        if params["endpointId"] == bad:
            return hang_up
        return failure(request, REFUSED)

    with ControlCenter(answer) as center, Host(center.connection()) as host:
        data = host.failure("isolate_endpoints", {"endpoint_ids": ids(2)})
    assert [t["error"]["outcome"] for t in data["targets"]] == ["unknown", "not_applied"]


def test_duplicates_run_once():
    one, two = ids(2)
    with ControlCenter() as center, Host(center.connection()) as host:
        result = host.result(LABEL, {"endpoint_ids": [two, one, two, two]})
    assert [t["target"] for t in result["targets"]] == [two, one]
    assert len(center.requests) == 2


def test_targets_run_concurrently_up_to_16():
    gate = threading.Event()

    def answer(request, method, params):
        gate.wait(PATIENCE)
        return success(request, True)

    with ControlCenter(answer) as center, Host(center.connection()) as host:
        number = host.start(LABEL, {"endpoint_ids": ids(60)})
        center.wait_for(16)
        gate.set()
        host.wait(number)
    assert center.most_in_flight == 16


def test_max_concurrency_limits_concurrent_targets():
    with ControlCenter() as center:
        with Host(center.connection(max_concurrency=2)) as host:
            host.result(LABEL, {"endpoint_ids": ids(20)})
    assert center.most_in_flight <= 2
    assert len(center.requests) == 20


def test_a_rejected_key_stops_the_remaining_targets():
    gate = threading.Event()

    def answer(request, method, params):
        if params["endpointId"] == ids(1)[0]:
            return Reply(401)
        gate.wait(PATIENCE)
        return success(request, True)

    with ControlCenter(answer) as center, Host(center.connection()) as host:
        number = host.start(LABEL, {"endpoint_ids": ids(50)}, progress=True)
        # The first one was refused; fifteen more are in flight.
        assert host.seen("invoke/progress", number) == {"id": number, "done": 1, "total": 50}
        gate.set()
        result = host.wait(number)[0]["result"]
    assert len(center.requests) == 16
    assert result["return_data"] == "Partially Successful"
    states = [t["return_data"] for t in result["targets"]]
    assert states == ["Failed"] + ["Successful"] * 15 + ["Failed"] * 34
    first, *rest = result["errors"]
    assert (first["status_code"], first["message"]) == (401, "Unauthorized.")
    for error in rest:
        assert (error["status_code"], error["kind"], error["outcome"]) == (
            401, "auth", "not_applied")
        assert error["message"].startswith("Not sent")


def test_a_rejected_key_stops_targets_that_wait_for_a_slot():
    # One at a time, so that the others wait for a slot.
    with ControlCenter(lambda *_: Reply(401)) as center:
        with Host(center.connection(max_concurrency=1)) as host:
            data = host.failure(LABEL, {"endpoint_ids": ids(50)})
    assert len(center.requests) == 1
    assert (data["status_code"], data["message"], data["kind"]) == (401, "Unauthorized.", "auth")
    assert data["outcome"] == "not_applied"
    assert len(data["targets"]) == 50


def test_a_rejected_key_stops_targets_that_wait_for_the_rate_limit():
    limits = {"default": {"requests": 1, "per_seconds": 600}}
    with ControlCenter(lambda *_: Reply(401)) as center:
        with Host(center.connection(rate_limits=limits)) as host:
            data = host.failure(LABEL, {"endpoint_ids": ids(5)})
    assert len(center.requests) == 1
    assert (data["status_code"], data["message"]) == (401, "Unauthorized.")


def test_streamed_targets_are_sent_in_order_of_completion():
    slow = threading.Event()
    bad = ids(3)[2]

    def answer(request, method, params):
        if params["endpointId"] == ids(3)[0]:
            slow.wait(PATIENCE)
        elif params["endpointId"] == bad:
            return failure(request, REFUSED)
        return success(request, True)

    with ControlCenter(answer) as center, Host(center.connection()) as host:
        number = host.start(LABEL, {"endpoint_ids": ids(3)}, stream=True)
        with host.changed:
            assert host.changed.wait_for(
                lambda: sum(m["method"] == "invoke/item" for m in host.messages) == 2, PATIENCE)
        slow.set()
        result = host.wait(number)[0]["result"]
        items = host.notifications("invoke/item", number)
        progress = host.notifications("invoke/progress", number)
    assert [item["seq"] for item in items] == [0, 1, 2]
    by_target = {item["item"]["target"]: item["item"] for item in items}
    assert items[2]["item"]["target"] == ids(3)[0]
    assert by_target[ids(3)[1]]["return_data"] == "Successful"
    assert by_target[ids(3)[1]]["data"]["result"] is True
    assert by_target[bad]["return_data"] == "Failed"
    assert by_target[bad]["error"]["message"] == REFUSED
    counts = [p["done"] for p in progress]
    assert counts == sorted(set(counts)) and counts[-1] == 3
    assert {p["total"] for p in progress} == {3}
    assert "raw_data" not in result
    assert result["meta"]["items"] == 3
    assert [t["target"] for t in result["targets"]] == ids(3)
    assert result["return_data"] == "Partially Successful"


def test_progress_only_grows():
    with ControlCenter() as center, Host(center.connection()) as host:
        number = host.start(LABEL, {"endpoint_ids": ids(300)}, progress=True)
        host.wait(number)
        counts = [n["done"] for n in host.notifications("invoke/progress", number)]
    assert counts == sorted(set(counts)) and counts[-1] == 300


def test_streamed_bodies_are_not_kept_in_memory():
    body = "x" * 50_000
    with ControlCenter(lambda r, *_: success(r, body)) as center, Host(center.connection()) as host:
        host.keeps_output = False
        host.sink = lambda message: None
        host.result(LABEL, {"endpoint_ids": ids(20)}, stream=True)
        before = host.peak_mebibytes()
        host.result(LABEL, {"endpoint_ids": ids(2_000)}, stream=True)
        # Together they have 100 MB.
        assert host.peak_mebibytes() < before + 40


def test_call_waiting_for_a_limit_holds_no_connection_slot():
    limits = {**FAST, "blocklist": {"requests": 1, "per_seconds": 400}}
    with ControlCenter() as center:
        with Host(center.connection(max_concurrency=2, rate_limits=limits)) as host:
            number = host.start("remove_from_block_list", {"hash_item_ids": ids(8)}, stream=True)
            host.seen("invoke/waiting", number)
            host.result(LABEL, {"endpoint_ids": ids(1)})
            # The one that the limit allowed, and the one of the other command.
            center.wait_for(2)
            host.call("cancel", {"id": number})


def test_a_limit_used_up_by_another_process_fails_fast(tmp_path):
    limits = {"default": {"requests": 3, "per_seconds": 3_600}}
    options = ["--state-dir", str(tmp_path)]
    with ControlCenter() as center:
        with Host(center.connection(rate_limits=limits), options=options) as host:
            host.result(LABEL, {"endpoint_ids": ids(2)})
        with Host(center.connection(rate_limits=limits), options=options) as host:
            data = host.failure(LABEL, {"endpoint_ids": ids(2)}, timeout_ms=2_000)
    assert (data["kind"], data["outcome"]) == ("rate_limited", "not_applied")
    assert len(center.requests) == 2


def test_a_read_is_never_partially_applied():
    bad = ids(2)[1]

    def answer(request, method, params):
        return failure(request, REFUSED) if params["endpointId"] == bad else Reply(401)

    with ControlCenter(answer) as center, Host(center.connection()) as host:
        data = host.failure("get_managed_endpoint_details", {"managed_endpoint_ids": ids(2)})
    assert data["outcome"] == "not_applied"


def test_a_cancelled_command_sends_nothing_more():
    gate = threading.Event()

    def answer(request, method, params):
        gate.wait(PATIENCE)
        return success(request, True)

    with ControlCenter(answer) as center, Host(center.connection(max_concurrency=2)) as host:
        number = host.start("isolate_endpoints", {"endpoint_ids": ids(30)})
        center.wait_for(2)
        assert host.call("cancel", {"id": number}) == {"cancelled": True}
        error = host.wait(number)[0]["error"]
        gate.set()
    assert (error["code"], error["data"]["kind"]) == (-32800, "cancelled")
    # Two were in flight.
    assert error["data"]["outcome"] == "unknown"
    outcomes = [t["error"]["outcome"] for t in error["data"]["targets"]]
    assert sorted(outcomes) == ["not_applied"] * 28 + ["unknown"] * 2
    assert len(center.requests) == 2


def test_a_scan_by_ids_and_by_addresses_can_succeed_partially():
    def answer(request, method, params):
        if method == "createScanTaskByMac":
            return failure(request, "Invalid value for 'macAddresses' parameter.")
        return success(request, True)

    arguments = {"endpoint_ids": ids(1), "mac_addresses": ["324935237335"]}
    with ControlCenter(answer) as center, Host(center.connection()) as host:
        result = host.result("create_scan_task", arguments)
    assert result["return_data"] == "Partially Successful"
    assert [(t["target"], t["return_data"]) for t in result["targets"]] == [
        ("endpoint_ids", "Successful"), ("mac_addresses", "Failed")]
    assert [e["target"] for e in result["errors"]] == ["mac_addresses"]


def test_command_without_partial_success_fails_with_per_target_outcomes():
    def answer(request, method, params):
        if "7" in params["quarantineItemsIds"]:
            return failure(request, "At least one specified target is invalid.")
        return success(request, True)

    arguments = {"quarantine_item_ids": [str(number) for number in range(150)],
                 "quarantine_item_service": "computers_and_virtual_machines"}
    with ControlCenter(answer) as center, Host(center.connection()) as host:
        data = host.failure("remove_quarantine_files", arguments)
    assert (data["status_code"], data["message"]) == (
        400, "At least one specified target is invalid.")
    # Part of it was applied.
    assert data["outcome"] == "unknown"
    assert [(t["target"], t["return_data"]) for t in data["targets"]] == [
        *((str(number), "Failed") for number in range(100)),
        *((str(number), "Successful") for number in range(100, 150))]
    # The response of a request is returned with its first target.
    assert data["targets"][100]["data"]["result"] is True
    assert "data" not in data["targets"][101]


def test_an_idempotency_key_returns_the_first_outcome():
    bad = [ids(2)[1]]
    with ControlCenter(answering(bad)) as center, Host(center.connection()) as host:
        first = host.result(LABEL, {"endpoint_ids": ids(2)}, idempotency_key="k")
        again = host.result(LABEL, {"endpoint_ids": ids(2)}, idempotency_key="k")
    assert first["targets"] == again["targets"]
    assert len(center.requests) == 2


@pytest.mark.parametrize("command, partial", [
    ("delete_endpoints", True), ("isolate_endpoints", True), ("restore_endpoints", True),
    ("get_managed_endpoint_details", True), ("update_endpoint_labels", True),
    ("remove_from_block_list", True), ("update_groups", True), ("create_scan_task", True),
    ("remove_quarantine_files", False), ("download_reports", False), ("move_endpoints", False),
    ("quarantine_files", False), ("create_group", False), ("list_groups", False),
])
def test_capabilities_mark_commands_with_partial_success(command, partial):
    with Host() as host:
        answer = host.call("capabilities", {
            "integration": "bitdefender_gravityzone", "command": command})
    assert answer["integrations"][0]["commands"][0]["partial_success"] is partial


def test_the_audit_records_partial_success(tmp_path):
    file = tmp_path / "audit"
    with ControlCenter(answering([ids(2)[0]])) as center:
        with Host(center.connection(), options=["--audit", str(file)]) as host:
            host.result(LABEL, {"endpoint_ids": ids(2)})
    assert '"return_data":"Partially Successful"' in file.read_text()


def test_results_of_many_targets_are_in_memory_twice():
    """As the text of each target and as the response, without the index of each value."""
    modules = [{"id": 1, "name": "AV", "on": True, "list": [1, 2, 3]}] * 200
    ids = [f"{number:024x}" for number in range(1_200)]
    with ControlCenter(lambda request, *_: success(request, {"modules": modules})) as center:
        with Host(center.connection()) as host:
            result = host.result("get_managed_endpoint_details", {"managed_endpoint_ids": ids})
            peak = host.peak_memory_bytes
    assert [one["result"]["modules"] for one in result["raw_data"]] == [modules] * len(ids)
    size = len(json.dumps(result))
    assert size > 12_000_000
    assert peak < 2 * size + 35 * 1024 * 1024
