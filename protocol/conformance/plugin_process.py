"""A running plugin, with the kit as its host: messages in both directions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from comparison import _refuse as refuse_constant
from faults import Fault, shown
from plugin_launch import PluginLaunch
from plugin_values import arguments_for, is_secret, settings_for
from plugin_vendor import (
    EMPTY, FAILED, Forwarder, Listener, Refusal, origin_of, request_problem)
from process import HostProcess

CANCELLED, DRY_RUN, INVALID, UNKNOWN_METHOD = -32800, -32001, -32602, -32601
HOST_METHODS = ("host/http", "host/secret", "host/file_put", "host/file_get", "host/log")
NOTIFICATIONS = ("invoke/item", "invoke/progress", "invoke/waiting")
KINDS = ("upstream", "auth", "permission", "rate_limited", "timeout", "network", "validation", "not_found", "policy",
         "cancelled", "unavailable", "too_large", "internal")
REFERENCE = {
    "file_id": "0123456789abcdef0123456789abcdef", "name": "file", "size": 0, "content_type": "text/plain",
    "md5": "0" * 32, "sha1": "0" * 40, "sha256": "0" * 64, "source": "playbook_file",
    "created": "2026-11-20T12:00:00.000Z"}

#: The response to `host/http`: a result, a Refusal, or None to hold it back.
Vendor = Callable[[Mapping[str, Any]], Any]


DRY_RUN_REFUSAL = Refusal(code=DRY_RUN, message="Dry run.")


class PluginProcess(HostProcess):
    """- `vendor`: responds to `host/http`. By default an empty object, or the vendor of `--sample`.
    - `held`: requests of the plugin that got no response yet.
    - `http`, `asked`: all params of `host/http`; all other requests as (method, params).
    - `notes`: all notifications as (method, params), in order with `answers`.
    """

    def __init__(self, launch: PluginLaunch) -> None:
        super().__init__(launch, ())
        self.launch = launch
        self.listener = Listener()
        self.vendor: Vendor = lambda params: EMPTY
        self.is_checked = True
        self.held: list[dict[str, Any]] = []
        self.http: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[Any, dict[str, Any]] = {}
        self.open: set[Any] = set()
        self.dry: set[Any] = set()
        self.ended_dry: dict[Any, int] = {}
        self._ids = 0
        self._integration: dict[str, Any] | None = None
        self._settings: dict[str, Any] | None = None

    def __exit__(self, *ending: Any) -> None:
        try:
            super().__exit__(*ending)
        finally:
            self.listener.close()

    # Sending

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    def request(self, method: str, params: Any = None) -> int:
        """Sends a request; returns its id."""
        id = self.next_id()
        self.open.add(id)
        message = {"jsonrpc": "2.0", "id": id, "method": method, **({} if params is None else {"params": params})}
        self.send(json.dumps(message, separators=(",", ":")))
        return id

    def notify(self, method: str, params: Any) -> None:
        self.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))

    def ask(self, method: str, params: Any = None) -> dict[str, Any]:
        """The response to a request."""
        return self.answer(self.request(method, params))

    def invoke(self, command: str, arguments: Any = None, settings: Any = None, **options: Any) -> int:
        """Sends an invoke with valid arguments, unless others are given; returns its id."""
        if arguments is None:
            arguments = self.arguments(command)
        id = self.request("invoke", {
            "integration": self.integration()["id"], "command": command,
            "connection": {
                "integration": self.integration()["id"], "settings": self.settings() if settings is None else settings},
            "arguments": arguments, "options": {"timeout_ms": 60000, **options}})
        if options.get("dry_run"):
            self.dry.add(id)
        return id

    def release(self) -> None:
        """Responds to all held requests."""
        held, self.held = self.held, []
        for message in held:
            self._respond(message, self._http_result(message["params"]))

    # The integration

    def integration(self) -> dict[str, Any]:
        """From `capabilities`."""
        if self._integration is None:
            params = {} if self.launch.id is None else {"integration": self.launch.id}
            answer = self.ask("capabilities", params)
            integrations = answer.get("result", {}).get("integrations") if isinstance(answer.get("result"), dict) else None
            if not isinstance(integrations, list) or len(integrations) != 1 or not isinstance(integrations[0], dict):
                raise Fault(
                    "capabilities does not return one integration",
                    expected='a result with "integrations":[{"id":…,"commands":[…]}]', got=brief(answer))
            self._integration = integrations[0]
        return self._integration

    def commands(self) -> list[dict[str, Any]]:
        commands = self.integration().get("commands")
        if not isinstance(commands, list) or not all(isinstance(one, dict) and "id" in one for one in commands):
            raise Fault("commands is not a list of objects with an id", got=brief(commands))
        return commands

    def command(self, id: str) -> dict[str, Any]:
        return next(one for one in self.commands() if one["id"] == id)

    def runnable(self) -> list[str]:
        """Commands that change nothing, all commands without a vendor, and those with arguments in the sample."""
        return [
            one["id"] for one in self.commands()
            if not self.launch.sample.settings or one.get("effect") == "read"
            or one["id"] in self.launch.sample.arguments]

    def arguments(self, command: str) -> dict[str, Any]:
        given = self.launch.sample.arguments.get(command)
        return dict(given) if given is not None else arguments_for(self.command(command).get("parameters", {}))

    def connection_schema(self) -> dict[str, Any]:
        connection = self.integration().get("connection")
        schema = connection.get("schema") if isinstance(connection, dict) else None
        return schema if isinstance(schema, dict) else {}

    def settings(self) -> dict[str, Any]:
        """For the plugin: placeholders for secrets, unless it is `plain`."""
        if self._settings is None:
            schema = self.connection_schema()
            made = settings_for(schema, self.listener.url)
            given = self.launch.sample.settings
            secret_names = {name for name, one in schema.get("properties", {}).items() if is_secret(one)}
            for name, value in given.items():
                if name not in secret_names or not self.launch.is_brokered:
                    made[name] = value
            if not self.launch.is_brokered:
                made.update({name: f"kit-{name}" for name in secret_names if name not in given})
            self._settings = made
            if given and self.launch.is_brokered:
                self.vendor = Forwarder(
                    {name: str(given[name]) for name in secret_names if name in given}, self.timeout)
        return self._settings

    def origins(self) -> set[str]:
        schema = self.connection_schema().get("properties", {})
        return {
            origin_of(value) for name, value in self.settings().items()
            if isinstance(value, str) and isinstance(schema.get(name), dict) and schema[name].get("format") == "uri"}

    # Receiving

    def answer(self, id: Any) -> dict[str, Any]:
        """The response with this id. Meanwhile requests of the plugin are answered."""
        while id not in self.answers:
            self.take()
        return self.answers.pop(id)

    def until_held(self) -> None:
        """Reads until a request of the plugin is held."""
        while not self.held:
            self.take()

    def take(self) -> None:
        """Reads one line and handles it."""
        message = read_message(self.read_line())
        if "method" in message:
            self._take_method(message)
            return
        id = message["id"]
        if id is None and "error" in message and message["error"]["code"] in (-32700, -32600):
            self.answers.setdefault(None, message)
            return
        if id not in self.open:
            problem = "a request got two responses" if isinstance(id, int) and 0 < id <= self._ids else (
                "a response has an unknown id")
            raise Fault(problem, place="15.8", got=brief(message))
        self.open.discard(id)
        self.answers[id] = message

    def _take_method(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params", {})
        if "id" not in message:
            if method in NOTIFICATIONS and isinstance(params, dict) and params.get("id") not in self.open:
                raise Fault(f"{method} names a call that is not in flight", got=brief(message))
            self.notes.append((method, params))
            return
        if method not in HOST_METHODS:
            self._respond(message, Refusal(code=UNKNOWN_METHOD, message="Method not found."))
            return
        if not isinstance(params, dict):
            raise Fault(f"the params of {method} are not an object", got=brief(message))
        if method != "host/http":
            self.asked.append((method, params))
            self._respond(message, self._other_result(method, params))
            return
        self.http.append(params)
        problem = request_problem(params, self.origins()) if self.is_checked else None
        if problem:
            raise Fault(f"host/http: {problem}", got=brief(message))
        if params["invocation"] not in self.open:
            raise Fault("host/http: the invocation is not in flight", got=brief(message))
        result = self._http_result(params)
        if result is None:
            self.held.append(message)
        else:
            self._respond(message, result)

    def _http_result(self, params: dict[str, Any]) -> Any:
        invocation = params.get("invocation")
        if invocation not in self.dry:
            return self.vendor(params)
        if params.get("sign_in") is True:
            return {"status": 200, "headers": {}, "json": {}}
        self.ended_dry[invocation] = self.ended_dry.get(invocation, 0) + 1
        return DRY_RUN_REFUSAL

    def _other_result(self, method: str, params: dict[str, Any]) -> Any:
        if method == "host/secret":
            name, value = params.get("name"), params.get("value")
            if not isinstance(name, str) or not isinstance(value, str) or not name:
                raise Fault("host/secret needs a name and a value, both text", got=brief(params))
            if isinstance(self.vendor, Forwarder):
                self.vendor.secrets[name] = value
        elif method == "host/log" and not isinstance(params.get("message"), str):
            raise Fault("host/log needs a message", got=brief(params))
        elif method == "host/file_put":
            if not isinstance(params.get("name"), str) or not isinstance(params.get("content_base64"), str):
                raise Fault("host/file_put needs name and content_base64", got=brief(params)[:500])
            return {**REFERENCE, "name": params["name"]}
        elif method == "host/file_get":
            return {"file_id": params.get("file_id"), "offset": 0, "length": 0, "size": 0, "content_base64": "", "eof": True}
        return {}

    def _respond(self, message: dict[str, Any], result: Any) -> None:
        member = "error" if isinstance(result, Refusal) else "result"
        self.send(json.dumps({"jsonrpc": "2.0", "id": message["id"], member: result}, separators=(",", ":")))

    def expect_alive(self) -> None:
        """A ping gets its response."""
        answer = self.ask("ping")
        if answer.get("result") != {}:
            raise Fault("ping did not return {}", expected='"result":{}', got=brief(answer))


def read_message(line: bytes) -> dict[str, Any]:
    """Raises Fault for a line that a plugin must not write."""
    try:
        message = json.loads(line.decode("utf-8"), parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Fault(
            f"stdout has a line that is not JSON ({error}); prints and logs belong to stderr", place="15.8",
            got=shown(line)) from None
    problem = _problem(message)
    if problem:
        raise Fault(f"stdout has a line that is not a JSON-RPC message: {problem}", place="15.8", got=shown(line))
    return message


def _problem(message: Any) -> str | None:
    if not isinstance(message, dict):
        return "it is not an object"
    if message.get("jsonrpc") != "2.0":
        return 'it has no "jsonrpc":"2.0"'
    if "method" in message:
        return None if isinstance(message["method"], str) else "its method is not text"
    if "id" not in message:
        return "it has neither method nor id"
    if not isinstance(message["id"], (int, str, type(None))) or isinstance(message["id"], bool):
        return "its id is neither text nor an integer"
    if ("result" in message) == ("error" in message):
        return "it needs exactly one of result and error"
    error = message.get("error", {})
    if "error" in message and not (
        isinstance(error, dict) and isinstance(error.get("code"), int) and isinstance(error.get("message"), str)
    ):
        return "its error has no code or no message"
    return None


def brief(value: Any) -> str:
    return shown(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"))
