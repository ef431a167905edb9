"""A host for tests: runs commands of a plugin against a fake vendor, without a process."""

from __future__ import annotations

import base64
import dataclasses
import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional, Union
from urllib.parse import urlsplit

from ..errors import read_error
from ..results import Result
from .call import AsyncCall, BaseCall, placeholder
from .errors import DRY_RUN_CODE, DryRun, InvalidArguments, PluginError
from .wire import encode

if TYPE_CHECKING:
    from .plugin import Plugin


@dataclasses.dataclass(frozen=True)
class Request:
    """A request to the vendor as the plugin made it: with placeholders, not with secrets."""

    method: str
    url: str
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    json: Any = None
    body: Union[str, bytes, None] = None
    basic: Optional[Mapping[str, str]] = None
    sign_in: bool = False

    @property
    def path(self) -> str:
        return urlsplit(self.url).path or "/"


#: An answer is JSON (status 200), a status, `(status, JSON)`, `(status, JSON, headers)`, or a function
#: of the request that returns one of these. Text and bytes are bodies that are not JSON.
Answer = Any
Vendor = Union[Mapping[tuple[str, str], Answer], Callable[[Request], Answer]]


class TestHost:
    """Runs commands. Failures are raised as callers see them, such as `sallyport.NotFound`.

    Settings that are missing have values: secrets have placeholders, URLs are `https://vendor.example`.

    - `requests`: all requests to the vendor.
    - `secrets`: what the plugin registered, by name.
    - `files`: the contents of stored files by id.
    - `progress`: all reports, as `(done, total)`.
    - `logs`: messages with their levels.
    """

    __test__ = False

    def __init__(self, plugin: Plugin[Any], settings: Mapping[str, Any], vendor: Optional[Vendor]) -> None:
        self.plugin = plugin
        self.settings = _with_defaults(plugin.describe()["connection"]["schema"], settings)
        self.vendor: Vendor = {} if vendor is None else vendor
        self.requests: list[Request] = []
        self.secrets: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.progress: list[tuple[float, Optional[float]]] = []
        self.logs: list[tuple[str, str]] = []
        self._options: dict[str, Any] = {}
        self._items: list[Any] = []
        self._lock = threading.Lock()
        self._fault: Optional[BaseException] = None

    def using(self, **options: Any) -> TestHost:
        """The same host with options of an invoke, such as `all_pages=True`."""
        made = object.__new__(TestHost)
        made.__dict__.update(self.__dict__)
        made._options = {**self._options, **options}
        return made

    def call(self, command: str, /, **arguments: Any) -> Result:
        """Runs a command."""
        return Result(self._run(command, arguments, {}))

    def dry_run(self, command: str, /, **arguments: Any) -> list[Request]:
        """The requests that a dry run records: the first of the command, or the first per target."""
        before = len(self.requests)
        self._run(command, arguments, {"dry_run": True})
        return [one for one in self.requests[before:] if not one.sign_in]

    def stream(self, command: str, /, **arguments: Any) -> list[Any]:
        """The items that a stream sends."""
        before = len(self._items)
        self._run(command, arguments, {"stream": True})
        return self._items[before:]

    def _run(self, id: str, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        params = {
            "integration": self.plugin.id, "command": id, "arguments": arguments,
            "connection": {"integration": self.plugin.id, "settings": self.settings},
            "options": {**self._options, **options},
        }  # fmt: skip
        try:
            # As on the wire.
            command, call, read = self.plugin.prepare(self, 1, json.loads(encode(params)))
        except InvalidArguments as error:
            raise _as_seen(error, self.plugin.failure_indicator(id)) from None
        try:
            returned = command.function(call, **read)
            if isinstance(call, AsyncCall):
                import asyncio

                returned = asyncio.run(returned)
            made: dict[str, Any] = json.loads(encode(command.finish(call, returned)))
            return made
        except DryRun:
            return {"return_data": "Successful", "dry_run": True}
        except PluginError as error:
            self._raise_fault()
            told = command.error(call, error)
            raise read_error(json.loads(encode(told))) from error
        finally:
            self._raise_fault()

    def _raise_fault(self) -> None:
        """An error of the fake vendor is an error of the test, whatever the command made of it."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    # The link

    def request(self, call: BaseCall[Any], method: str, params: dict[str, Any]) -> Any:
        params = json.loads(encode(params))
        if method == "host/http":
            return self._http(call, params)
        if method == "host/secret":
            self.secrets[params["name"]] = params["value"]
            return {}
        if method == "host/file_put":
            return self._put(params)
        if method == "host/file_get":
            return self._get(params)
        raise AssertionError(f"unknown request {method}")

    async def request_async(self, call: BaseCall[Any], method: str, params: dict[str, Any]) -> Any:
        return self.request(call, method, params)

    def notify(self, method: str, params: dict[str, Any]) -> None:
        if method == "invoke/item":
            self._items.append(json.loads(encode(params["item"])))
        else:
            self.progress.append((params["done"], params.get("total")))

    def post(self, method: str, params: dict[str, Any]) -> None:
        self.logs.append((params["level"], params["message"]))

    def _http(self, call: BaseCall[Any], params: dict[str, Any]) -> dict[str, Any]:
        encoded = params.get("body_base64")
        made = Request(
            params["method"], params["url"], params.get("query", {}), params.get("headers", {}),
            params.get("json"), params.get("body") if encoded is None else base64.b64decode(encoded),
            params.get("basic"), params.get("sign_in", False))
        with self._lock:
            self.requests.append(made)
            if call.dry_run:
                if made.sign_in:
                    return {"status": 200, "headers": {}, "json": {}}
                raise DryRun(f"code {DRY_RUN_CODE}")
            try:
                return _response(self._answer(made))
            except PluginError:
                raise
            except BaseException as error:
                self._fault = error
                raise

    def _answer(self, request: Request) -> Answer:
        if not isinstance(self.vendor, Mapping):
            return self.vendor(request)
        answer = self.vendor.get((request.method, request.path))
        if answer is None:
            known = ", ".join(f"{method} {path}" for method, path in self.vendor) or "nothing"
            wanted = f"{request.method} {request.path}"
            raise AssertionError(f"the vendor has no answer for {wanted}; it has: {known}")
        return answer(request) if callable(answer) else answer

    def _put(self, params: Mapping[str, Any]) -> dict[str, Any]:
        content = base64.b64decode(params["content_base64"])
        id = f"file-{len(self.files) + 1}"
        self.files[id] = content
        return {
            "file_id": id, "name": params["name"], "size": len(content), "source": params["source"],
            "content_type": params.get("content_type", "application/octet-stream"), "md5": "", "sha1": "",
            "sha256": "", "created": "2026-01-01T00:00:00.000Z"}  # fmt: skip

    def _get(self, params: Mapping[str, Any]) -> dict[str, Any]:
        content = self.files.get(params["file_id"])
        if content is None:
            raise PluginError("No file has this id.", kind="not_found")
        piece = content[params["offset"] : params["offset"] + params["length"]]
        end = params["offset"] + len(piece)
        return {
            "file_id": params["file_id"], "offset": params["offset"], "length": len(piece),
            "size": len(content), "content_base64": base64.b64encode(piece).decode(),
            "eof": end >= len(content)}  # fmt: skip


def _as_seen(error: PluginError, failure_indicator: str) -> Exception:
    return read_error({"code": error.code, "message": failure_indicator, "data": error.data(failure_indicator)})


def _with_defaults(schema: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as the host passes them: with placeholders for secrets."""
    made = dict(settings)
    for name, one in schema["properties"].items():
        if one.get("writeOnly"):
            made[name] = placeholder(name)
        elif name not in made and name in schema.get("required", ()):
            made[name] = "https://vendor.example" if one.get("format") == "uri" else "test"
    return made


def _response(answer: Answer) -> dict[str, Any]:
    status, body, headers = 200, answer, {}
    if isinstance(answer, tuple):
        status, body, headers = (*answer, {})[:3] if len(answer) == 2 else answer
    elif isinstance(answer, int) and not isinstance(answer, bool):
        status, body = answer, ""
    made: dict[str, Any] = {"status": status, "headers": headers}
    if isinstance(body, bytes):
        made["body_base64"] = base64.b64encode(body).decode()
    elif isinstance(body, str):
        made["body"] = body
    else:
        made["json"] = json.loads(encode(body))
    return made
