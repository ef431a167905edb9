"""A client of the Model Context Protocol that holds every line of the host against the JSON Schema
of its revision, and against what that revision has members for."""

from __future__ import annotations

import functools
import itertools
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import jsonschema

from Support.host import LINE_ENDS, Host, request
from Support.schema import RESULTS, SUITES, schema

HANDSHAKE = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
STATELESS = "2026-07-28"
REVISIONS = [*HANDSHAKE, STATELESS]
#: From here on results have structure, and users can be asked.
STRUCTURED = REVISIONS[2:]

CLIENT = {"name": "tests", "version": "1"}
FORMS = {"elicitation": {}}
PREFIX = "io.modelcontextprotocol/"

NOTIFICATIONS = {
    "notifications/progress": "ProgressNotification",
    "notifications/cancelled": "CancelledNotification",
    "notifications/tools/list_changed": "ToolListChangedNotification",
    "notifications/prompts/list_changed": "PromptListChangedNotification",
    "notifications/subscriptions/acknowledged": "SubscriptionsAcknowledgedNotification",
}
#: Notifications of the host that clients of MCP ignore.
OTHERS = {"connections/changed", "health/changed"}
ERRORS = {
    -32700: "ParseError", -32600: "InvalidRequestError", -32601: "MethodNotFoundError",
    -32602: "InvalidParamsError",
}
#: The schema of a block or list element, by the member that holds it.
PARTS = {
    "tools": "Tool", "resources": "Resource", "resourceTemplates": "ResourceTemplate",
    "prompts": "Prompt", "messages": "PromptMessage",
}
BLOCKS = {"text": "TextContent", "resource_link": "ResourceLink"}


def meta(capabilities: Any = None, version: str = STATELESS, **more: Any) -> dict[str, Any]:
    """The `_meta` of a request of the stateless revision."""
    return {
        PREFIX + "protocolVersion": version, PREFIX + "clientCapabilities": capabilities or {},
        PREFIX + "clientInfo": CLIENT, **more}


@functools.cache
def output_validators() -> dict[str, Any]:
    """What the host says its tools answer, by their names."""
    with Host() as host:
        tools = host.result("tools/list")["tools"]
    for tool in tools:
        jsonschema.Draft202012Validator.check_schema(tool["outputSchema"])
    return {
        tool["name"]: jsonschema.Draft202012Validator(tool["outputSchema"]) for tool in tools}


class Client(Host):
    """`with Client("2025-11-25", "--sandbox") as client: client.call("gmail__list_labels", …)`

    - `introduces`: False leaves `initialize` to the test.
    """

    def __init__(
        self, revision: str, *options: str, capabilities: Any = None, introduces: bool = True,
    ) -> None:
        super().__init__(*options)
        self.revision = revision
        self.schema = schema(revision)
        self.capabilities = capabilities or {}
        self._numbers = itertools.count(1)
        self._asked: dict[str, tuple[str, Any]] = {}
        self.is_stateless = revision == STATELESS
        if introduces and not self.is_stateless:
            self.introduce()

    def introduce(self) -> Any:
        result = self.result("initialize", {
            "protocolVersion": self.revision, "capabilities": self.capabilities, "clientInfo": CLIENT})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return result

    # Sending

    def message(
        self, method: str, params: Any = None, *, id: Any = None, token: Any = None
    ) -> dict[str, Any]:
        """A request as this revision writes it."""
        id = next(self._numbers) if id is None else id
        params = dict(params or {})
        own = params.pop("_meta", None)
        if self.is_stateless and method in RESULTS:
            own = meta(self.capabilities) if own is None else own
        if token is not None:
            own = {**(own or {}), "progressToken": token}
        if own is not None:
            params["_meta"] = own
        return self.noted(request(id, method, params))

    def noted(self, message: dict[str, Any]) -> dict[str, Any]:
        """The request, whose answer will be held against its method."""
        self._asked[json.dumps(message["id"])] = (message["method"], message.get("params"))
        return message

    def start(self, method: str, params: Any = None, **more: Any) -> Any:
        """Sends a request; returns its id."""
        message = self.message(method, params, **more)
        self.send(message)
        return message["id"]

    def start_call(self, tool: str, arguments: Any = None, **more: Any) -> Any:
        return self.start("tools/call", self.call_params(tool, arguments), **more)

    @staticmethod
    def call_params(tool: str, arguments: Any = None) -> dict[str, Any]:
        return {"name": tool, "arguments": arguments or {}}

    def notify(self, method: str, params: Any = None) -> None:
        message = {"jsonrpc": "2.0", "method": method}
        self.send(message if params is None else message | {"params": params})

    def cancel(self, id: Any) -> None:
        self.notify("notifications/cancelled", {"requestId": id, "reason": "enough"})

    # Receiving

    def read(self) -> Any:
        return self.checked(self.read_line())

    def rest(self) -> list[Any]:
        return [self.checked(line) for line in self.rest_lines()]

    def answer(self, id: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The answer to an id, and the notifications that came before it."""
        before = []
        while "method" in (message := self.read()):
            before.append(message)
        assert message["id"] == id, message
        return message, before

    def result(self, method: str, params: Any = None, **more: Any) -> Any:
        answer = self.ask(self.message(method, params, **more))
        assert "result" in answer, answer
        return answer["result"]

    def error(self, method: str, params: Any = None, **more: Any) -> Any:
        answer = self.ask(self.message(method, params, **more))
        assert "error" in answer, answer
        return answer["error"]

    def call(self, tool: str, arguments: Any = None) -> Any:
        return self.result("tools/call", self.call_params(tool, arguments))

    def failure(self, tool: str, arguments: Any = None) -> Any:
        result = self.call(tool, arguments)
        assert result["isError"] is True, result
        return result

    def pages(self, method: str, member: str) -> Iterator[list[dict[str, Any]]]:
        params: dict[str, Any] = {}
        while True:
            result = self.result(method, params)
            yield result[member]
            if "nextCursor" not in result:
                return
            params = {"cursor": result["nextCursor"]}

    def tools(self) -> dict[str, dict[str, Any]]:
        found = [tool for page in self.pages("tools/list", "tools") for tool in page]
        assert len({tool["name"] for tool in found}) == len(found), "a tool that is there twice"
        return {tool["name"]: tool for tool in found}

    def expect_silence(self) -> None:
        """Nothing else has been sent so far: the next line is the answer to a ping."""
        id = f"silence {next(self._numbers)}"
        self.send(request(id, "ping"))
        answer = self.read()
        assert answer == {"jsonrpc": "2.0", "id": id, "result": {}}, f"a message came: {answer}"

    # Checking

    def checked(self, line: bytes) -> Any:
        text = line.decode()
        for character in LINE_ENDS:
            assert character not in text, f"a raw U+{ord(character):04X} in {text!r}"
        message = json.loads(text)
        if isinstance(message, list):
            assert message, "an empty array is no answer"
            if self.schema.knows("JSONRPCBatchResponse"):
                self.schema.check("JSONRPCBatchResponse", message)
            for one in message:
                self.check(one)
        else:
            self.check(message)
        return message

    def check(self, message: dict[str, Any]) -> None:
        assert message["jsonrpc"] == "2.0"
        if "method" in message:
            self.check_initiative(message)
        elif "error" in message:
            self.check_error(message)
        else:
            self.check_result(message)

    def check_initiative(self, message: dict[str, Any]) -> None:
        """A notification, or a question."""
        self.schema.check("JSONRPCMessage", message)
        method = message["method"]
        assert set(message) <= {"jsonrpc", "id", "method", "params"}
        if "id" in message:
            assert method == "elicitation/create" and "elicitation" in self.capabilities, message
            assert not self.is_stateless, "the stateless revision has no requests of a server's"
            self.schema.check("ElicitRequest", message)
        elif method not in OTHERS:
            self.schema.check(NOTIFICATIONS[method], message)
            if method == "notifications/progress" and not self.schema.knows("ProgressNotificationParams"):
                params = self.schema.definitions["ProgressNotification"]["properties"]["params"]
                assert set(message["params"]) <= set(params["properties"]), message

    def check_error(self, message: dict[str, Any]) -> None:
        code = message["error"]["code"]
        assert set(message) <= {"jsonrpc", "id", "error"} and "id" in message or code in (-32700, -32600)
        if message.get("id", 0) is None:
            # Older revisions have no form for an error without an id; JSON-RPC 2.0 has null.
            assert self.revision < "2025-11-25" and code in (-32700, -32600), message
            message = message | {"id": 0}
        name = "JSONRPCErrorResponse" if self.schema.knows("JSONRPCErrorResponse") else "JSONRPCError"
        self.schema.check(name, message)
        if self.is_stateless and code in ERRORS:
            self.schema.check(ERRORS[code], message["error"])
        if code == -32022:
            self.schema.check("UnsupportedProtocolVersionError", message)

    def check_result(self, message: dict[str, Any]) -> None:
        assert set(message) == {"jsonrpc", "id", "result"}, message
        method, params = self._asked.get(json.dumps(message["id"]), (None, None))
        if method not in RESULTS:
            return  # a method of the host's own
        result = message["result"]
        self.schema.check("JSONRPCMessage", message)
        if self.is_stateless:
            self.check_stateless(method, result)
        if result.get("resultType") == "input_required":
            self.schema.check("InputRequiredResult", result)
            self.schema.check_members("InputRequiredResult", result)
            return
        self.schema.check(RESULTS[method], result)
        self.schema.check_members(RESULTS[method], result)
        for member, name in PARTS.items():
            for part in result.get(member, []):
                self.schema.check_members(name, part)
        if method == "tools/call":
            self.check_call(params, result)

    def check_stateless(self, method: str, result: dict[str, Any]) -> None:
        own = result["_meta"]
        if method == "subscriptions/listen":
            return
        assert own[PREFIX + "serverInfo"]["name"] == "sallyport"

    def check_call(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        for block in result["content"]:
            self.schema.check_members(BLOCKS[block["type"]], block)
        assert result["content"][0]["type"] == "text" and result["content"][0]["text"]
        name = params["name"]
        if name == "sallyport__run_command":
            name = params["arguments"].get("command")
        if self.revision in STRUCTURED and name in output_validators():
            error = jsonschema.exceptions.best_match(
                output_validators()[name].iter_errors(result["structuredContent"]))
            assert error is None, f"{name} answers against its schema: {error}"


def text(result: dict[str, Any]) -> str:
    """What a model reads of a tool's result."""
    return result["content"][0]["text"]


def structure(result: dict[str, Any]) -> Any:
    """The structured content, or where the revision has none the JSON of a success in the text."""
    if "structuredContent" in result:
        return result["structuredContent"]
    return json.loads(text(result).partition("\n\n")[2])


def connections(path: pathlib.Path, **named: Any) -> list[str]:
    """Options of `serve` for connections by name, written to a file in a folder."""
    file = path / "connections.json"
    file.write_text(json.dumps({"connections": named}))
    return ["--connections", str(file)]
