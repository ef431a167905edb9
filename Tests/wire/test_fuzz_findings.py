"""Inputs that a fuzz target (Tests/Fuzz) found, sent to the executable."""

from __future__ import annotations

import pytest
from Support.host import Host, request

QUARANTINE = {
    "integration": "bitdefender_gravityzone", "command": "list_quarantine_items", "options": {"dry_run": True}}


@pytest.mark.parametrize("seconds", ["14292522529250600", "9223372036854776"])
def test_seconds_whose_milliseconds_exceed_64_bits_are_an_invalid_time(seconds):
    arguments = {"quarantine_item_service": "computers_and_virtual_machines", "start_date": seconds}
    with Host("--sandbox", "--datetime-format", "%s") as host:
        error = host.ask(request(1, "invoke", {**QUARANTINE, "arguments": arguments}))["error"]
        [problem] = error["data"]["problems"]
        assert problem["path"] == "/arguments/start_date"
        assert "outside the years 1970 to 9999" in problem["message"]
        assert host.result("ping") == {}
