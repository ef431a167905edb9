"""The classes made from `capabilities`."""

from __future__ import annotations

import inspect
import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from conftest import ROOT
from sallyport import Host, Result
from sallyport.commands import CommandRunner
from sallyport.generate import main, modules
from sallyport.integrations import EventIntegrations, Integrations

CATALOGUE = [
    json.loads(path.read_text()) for path in sorted((ROOT / "protocol/integrations").glob("*.json"))
]

ODD = {
    "id": "odd_vendor",
    "title": "Odd",
    "description": 'Says """ and \\ in its description.',
    "commands": [
        {
            "id": "import",
            "title": "Import",
            "description": "Has names that Python keeps for itself.",
            "effect": "write",
            "parameters": {
                "type": "object",
                "properties": {
                    "from": {"type": "string"},
                    "map": {"type": "object", "additionalProperties": True},
                    "any": {},
                    "one_or_more": {
                        "oneOf": [
                            {"type": "string"},
                            {"type": "array", "items": {"type": "string"}},
                        ]
                    },
                },
                "required": ["from"],
            },
        }
    ],
}


class Recorder(CommandRunner[Any]):
    """Keeps what was run."""

    def run_command(self, integration: str, command: str, arguments: Any) -> Any:
        return integration, command, arguments


def test_the_committed_classes_are_fresh() -> None:
    assert main(["--check"]) == 0


def test_a_stale_class_is_found_and_written(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--output", str(tmp_path)]) == 0
    assert main(["--output", str(tmp_path), "--check"]) == 0
    file = tmp_path / "coda_footprint.py"
    file.write_text(file.read_text().replace("page", "side"))
    capsys.readouterr()
    assert main(["--output", str(tmp_path), "--check"]) == 1
    assert capsys.readouterr().out == f"stale: {file}\n"


def test_every_command_is_a_method_with_its_parameters_and_their_description() -> None:
    recorder = Recorder()
    runner: Integrations[Any] = Integrations()
    count = 0
    for integration in CATALOGUE:
        cls = type(getattr(runner, integration["id"]))
        for command in integration["commands"]:
            method = getattr(cls, command["id"])
            schema = command["parameters"]
            parameters = dict(inspect.signature(method).parameters)
            del parameters["self"]
            assert set(parameters) == set(schema.get("properties", {}))
            for id, parameter in parameters.items():
                assert parameter.kind is parameter.KEYWORD_ONLY
                is_required = parameter.default is parameter.empty
                assert is_required == (id in schema.get("required", ()))
                assert f"{id}: " in method.__doc__
            assert method.__doc__.startswith(f"{command['title']}: ")
            given = {id: object() for id in parameters}
            ran = getattr(cls(recorder), command["id"])(**given)
            assert ran == (integration["id"], command["id"], given)
            count += 1
    assert count >= 35


def test_commands_with_events_can_be_followed_without_their_end_time() -> None:
    runner: EventIntegrations[Any] = EventIntegrations()
    followed = {
        (integration["id"], command["id"])
        for integration in CATALOGUE
        for command in integration["commands"]
        if "events" in command
    }
    assert followed
    for integration, command in followed:
        cls = type(getattr(runner, integration))
        whole = inspect.signature(getattr(type(getattr(Integrations(), integration)), command))
        parameters = inspect.signature(getattr(cls, command)).parameters
        assert set(whole.parameters) - set(parameters) == {"end_time"}
        ran = getattr(cls(Recorder()), command)(user_email="a", start_time="2026-11-16")
        assert ran == (integration, command, {"user_email": "a", "start_time": "2026-11-16"})
    ids = {integration for integration, _ in followed}
    assert ids == {name for name in vars(EventIntegrations) if not name.startswith("_")}


def test_omitted_arguments_are_not_sent(sandbox: Host) -> None:
    assert Integrations.coda_footprint.fget(Recorder()).list_devices(page=1) == (  # type: ignore[attr-defined]
        "coda_footprint",
        "list_devices",
        {"page": 1},
    )


def test_names_reserved_by_python_can_be_used() -> None:
    text = modules([ODD])["odd_vendor.py"]
    namespace: dict[str, Any] = {}
    exec(compile(text, "odd_vendor.py", "exec"), namespace)
    hints = namespace["OddVendor"].import_.__annotations__
    assert hints["one_or_more"] == "str | list[str] | tuple[str, ...] | None"
    assert (hints["any"], hints["from_"]) == ("Any | None", "str")
    odd = namespace["OddVendor"](Recorder())
    assert odd.import_(from_="here", map={"a": 1}) == (
        "odd_vendor",
        "import",
        {"from": "here", "map": {"a": 1}},
    )
    assert '"""' not in namespace["OddVendor"].__doc__


def test_a_class_of_ones_own_takes_a_host(sandbox: Host) -> None:
    namespace: dict[str, Any] = {}
    exec(compile(modules(CATALOGUE)["coda_footprint.py"], "own.py", "exec"), namespace)
    result = namespace["CodaFootprint"](sandbox).list_tenants()
    assert isinstance(result, Result) and result.is_successful


def test_asyncio_is_imported_on_first_use() -> None:
    program = "import sys, sallyport; print('asyncio' in sys.modules); sallyport.AsyncHost, sallyport.AsyncStream"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_no_integration_hides_a_member_of_the_hosts() -> None:
    ids = {integration["id"] for integration in CATALOGUE}
    for id in ids:
        assert getattr(Host, id) is getattr(Integrations, id)
