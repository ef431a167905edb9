"""Schemas of type hints and docstrings, and how arguments are read."""

from __future__ import annotations

import dataclasses
import enum
import typing
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

import pytest
from sallyport.plugin import URL, Call, Events, Field, Plugin, Result, Secret
from sallyport.plugin.docstring import read_docstring
from sallyport.plugin.errors import Problem
from sallyport.plugin.schema import UnsupportedType, schema_of, title_of


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Filter:
    """Which endpoints.

    Attributes:
        name: Part of the name.
    """

    name: str
    risk: Literal["low", "high"] = "low"
    tags: list[str] = dataclasses.field(default_factory=list)


class Device(TypedDict):
    id: str
    score: float


@pytest.mark.parametrize(("hint", "schema"), [
    (str, {"type": "string"}), (int, {"type": "integer"}), (float, {"type": "number"}), (bool, {"type": "boolean"}),
    (Any, {}), (object, {}), (type(None), {"type": "null"}),
    (list[int], {"type": "array", "items": {"type": "integer"}}), (list, {"type": "array"}),
    (typing.List[str], {"type": "array", "items": {"type": "string"}}),
    (tuple[str, ...], {"type": "array", "items": {"type": "string"}}),
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
    (dict[str, Any], {"type": "object"}), (dict, {"type": "object"}),
    (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}), (Literal[1, "b"], {"enum": [1, "b"]}),
    (Colour, {"type": "string", "enum": ["red", "blue"]}),
    (Optional[int], {"type": "integer"}), (Union[int, str], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
    (Secret, {"type": "string", "writeOnly": True}), (URL, {"type": "string", "format": "uri"}),
    (typing.NewType("EndpointID", str), {"type": "string"}),
    (Annotated[int, Field(minimum=1, maximum=9)], {"type": "integer", "minimum": 1, "maximum": 9}),
    (Annotated[str, "The name."], {"type": "string", "description": "The name."}),
    (Annotated[str, Field(pattern="^a", min_length=1, max_length=3, examples=["ab"])],
     {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^a", "examples": ["ab"]}),
    (Annotated[list[str], Field(min_items=1, max_items=2)],
     {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2}),
    (Annotated[str, Field(source=("list_devices", "$[*].id"))],
     {"type": "string", "x-source": [{"command": "list_devices", "path": "$[*].id"}]}),
    (Device, {"type": "object", "required": ["id", "score"],
              "properties": {"id": {"type": "string"}, "score": {"type": "number"}}}),
    (Filter, {"type": "object", "additionalProperties": False, "required": ["name"], "properties": {
        "name": {"title": "Name", "description": "Part of the name.", "type": "string"},
        "risk": {"title": "Risk", "type": "string", "enum": ["low", "high"], "default": "low"},
        "tags": {"title": "Tags", "type": "array", "items": {"type": "string"}}}}),
], ids=str)
def test_schema_of_a_type(hint: Any, schema: dict[str, Any]) -> None:
    assert schema_of(hint).schema == schema


@pytest.mark.parametrize("hint", [bytes, complex, dict[int, str], set[str], tuple[str, int], Plugin])
def test_type_without_a_schema_is_refused(hint: Any) -> None:
    with pytest.raises(UnsupportedType):
        schema_of(hint)


@pytest.mark.parametrize(("hint", "given", "value"), [
    (int, 3.0, 3), (float, 2, 2), (Colour, "red", Colour.RED), (Optional[int], None, None), (Union[int, str], "a", "a"),
    (Filter, {"name": "x"}, Filter("x")), (list[Filter], [{"name": "x", "risk": "high"}], [Filter("x", "high")]),
    (Device, {"id": "1", "score": 1, "more": 2}, {"id": "1", "score": 1, "more": 2}),
], ids=str)
def test_value_is_read(hint: Any, given: Any, value: Any) -> None:
    problems: list[Problem] = []
    assert schema_of(hint).read(given, "", problems) == value
    assert problems == []


@pytest.mark.parametrize(("hint", "given", "problem"), [
    (int, "1", ("", "must be an integer, not text", None)), (int, True, ("", "must be an integer, not true", None)),
    (int, 1.5, ("", "must be an integer, not the number 1.5", None)), (str, 1, ("", "must be text, not the number 1", None)),
    (bool, 0, ("", "must be true or false, not the number 0", None)), (float, None, ("", "must be a number, not null", None)),
    (list[int], [1, "a"], ("/1", "must be an integer, not text", None)),
    (dict[str, int], {"a/b~": "x"}, ("/a~1b~0", "must be an integer, not text", None)),
    (Literal["low", "high"], "hihg", ("", "unknown value; expected one of: low, high", "high")),
    (Literal[1], True, ("", "unknown value; expected one of: 1", None)),
    (Filter, {"name": "a", "rsk": "low"}, ("/rsk", "unknown parameter", "risk")),
    (Filter, {}, ("/name", "is missing", None)), (Filter, [], ("", "must be an object, not a list", None)),
    (Device, {"id": "1"}, ("/score", "is missing", None)),
    (Union[int, bool], "a", ("", "text is none of the allowed types", None)),
    (Annotated[int, Field(minimum=1)], 0, ("", "must be at least 1", None)),
    (Annotated[float, Field(maximum=1.5)], 2, ("", "must be at most 1.5", None)),
    (Annotated[str, Field(min_length=2)], "a", ("", "must have at least 2 characters", None)),
    (Annotated[str, Field(max_length=2)], "abc", ("", "must have at most 2 characters", None)),
    (Annotated[str, Field(pattern="^a")], "b", ("", "must match the pattern ^a", None)),
    (Annotated[list[str], Field(min_items=1)], [], ("", "must have at least 1 elements", None)),
    (Annotated[list[str], Field(max_items=1)], ["a", "b"], ("", "must have at most 1 elements", None)),
], ids=str)
def test_wrong_value_is_a_problem_with_its_place(hint: Any, given: Any, problem: tuple[Any, ...]) -> None:
    problems: list[Problem] = []
    schema_of(hint).read(given, "", problems)
    assert problems == [problem]


def test_docstring_sections_are_read() -> None:
    def documented() -> None:
        """Lists devices.

        Only those that
        are online.

        Args:
            name: Part of the name,
                in any case.
            page (int): The page.

        Returns:
            name: nothing
        """

    read = read_docstring(documented)
    assert read.text == "Lists devices.\n\nOnly those that are online."
    assert read.parameters == {"name": "Part of the name, in any case.", "page": "The page."}


@pytest.mark.parametrize(("name", "title"), [
    ("list_devices", "List Devices"), ("server_url", "Server URL"), ("endpoint_ids", "Endpoint IDs"), ("ip", "IP")])
def test_title_of_a_name(name: str, title: str) -> None:
    assert title_of(name) == title


def test_command_is_described() -> None:
    plugin = Plugin("acme")

    @plugin.command(
        effect="read", items="$.items[*]", pages=True, permissions=["Read"], rate_limit=(10, 1), title="All Devices",
        events=Events({"ID": "$.id", "Type": "Alert"}))
    def list_devices(call: Call[Any], name: str, page: Annotated[int, Field(minimum=1)] = 1) -> Device:
        """Lists devices.

        Args:
            name: Part of the name.
        """
        raise NotImplementedError

    (command,) = plugin.describe()["commands"]
    assert command == {
        "id": "list_devices", "title": "All Devices", "description": "Lists devices.", "effect": "read", "idempotent": True,
        "parameters": {
            "type": "object", "required": ["name"], "additionalProperties": False, "properties": {
                "name": {"title": "Name", "description": "Part of the name.", "type": "string"},
                "page": {"title": "Page", "type": "integer", "minimum": 1, "default": 1}}},
        "result": {"type": "object", "required": ["id", "score"],
                   "properties": {"id": {"type": "string"}, "score": {"type": "number"}}},
        "failure_indicator": "All Devices failed.", "items_path": "$.items[*]", "pages": True, "permissions": ["Read"],
        "rate_limit": {"requests": 10, "per_seconds": 1, "bucket": "default"},
        "events": {"main_event_json_path": "$", "cursor": "cursor",
                   "fields": [{"name": "ID", "path": "$.id"}, {"name": "Type", "value": "Alert"}]}}


def test_a_command_writes_unless_it_says_otherwise() -> None:
    plugin = Plugin("acme")

    @plugin.command()
    def delete(call: Call[Any]) -> None:
        pass

    (command,) = plugin.describe()["commands"]
    assert (command["effect"], command["idempotent"], command["result"]) == ("write", False, {})


@pytest.mark.parametrize(("options", "complaint"), [
    ({"effect": "reads"}, "unknown effect 'reads'; did you mean \"read\"?"),
    ({"items": "items"}, "expected a path such as $.items[*]"), ({"items": "$..a[*]"}, "expected a path"),
    ({"id": "List"}, "lower-case"), ({"id": "a__b"}, "single underscores"), ({"id": "a_"}, "single"), ({"id": "a" * 65}, "an id"), ({"rate_limit": (0, 1)}, "both positive"),
])
def test_wrong_declaration_is_refused(options: dict[str, Any], complaint: str) -> None:
    plugin = Plugin("acme")
    with pytest.raises(ValueError) as raised:
        plugin.command(**options)(lambda call: None) if "id" in options else plugin.command(id="a", **options)(lambda call: None)
    assert complaint in str(raised.value)


def test_wrong_function_is_refused() -> None:
    plugin = Plugin("acme")

    def without_call() -> None: ...
    def of_bytes(call: Call[Any], content: bytes) -> None: ...
    def of_rest(call: Call[Any], *rest: str) -> None: ...
    def of_unknown(call: Call[Any], value: NoSuchType) -> None: ...  # type: ignore[name-defined] # noqa: F821
    def of_text(call: Call[Any], limit: int = "20") -> None: ...  # type: ignore[assignment]
    def of_choice(call: Call[Any], order: Literal["up", "down"] = "left") -> None: ...  # type: ignore[assignment]

    for function, complaint in (
        (without_call, "the first parameter is the call"), (of_bytes, "parameter content: bytes has no JSON Schema"),
        (of_rest, "parameter rest cannot be passed by name"), (of_unknown, "NoSuchType"),
        (of_text, "the default of limit must be an integer"), (of_choice, "the default of order "),
    ):
        with pytest.raises(TypeError) as raised:
            plugin.command()(function)
        assert complaint in str(raised.value)
    plugin.command(id="same")(lambda call: None)
    with pytest.raises(ValueError, match="declared twice"):
        plugin.command(id="same")(lambda call: None)
    with pytest.raises(ValueError, match="lower-case"):
        Plugin("Acme EDR")


def test_secret_does_not_show_its_value() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in repr(secret) and f"Bearer {secret}" == "Bearer hunter2"


def test_parameter_without_a_type_takes_anything() -> None:
    plugin = Plugin("acme")

    @plugin.command()
    def store(call, value, note: Optional[str]):  # type: ignore[no-untyped-def]
        return Result([value, note])

    assert plugin.test().call("store", value={"a": 1}).raw_data == [{"a": 1}, None]
