"""The first parameter of each command: the host, seen from one invocation."""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Callable, Generic, Optional, TypedDict, TypeVar, Union

from .errors import Cancelled, PluginError
from .response import Response
from .result import Result
from .schema import URL
from .targets import run_targets, run_targets_async
from .tokens import REDACTED

if TYPE_CHECKING:
    # Never imported when a plugin runs: it has no dependency.
    from typing_extensions import Unpack

    from .link import Link
    from .plugin import Plugin

S = TypeVar("S")
T = TypeVar("T")

#: Text, numbers, booleans, None, or lists of them.
Query = Mapping[str, object]
Headers = Mapping[str, str]
Content = Union[str, bytes, None]

_ABSENT: Any = object()
#: Bytes of a file per request.
CHUNK_BYTES = 1 << 20
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class RequestOptions(TypedDict, total=False):
    """The options of `Call.http`."""

    query: Optional[Query]
    headers: Optional[Headers]
    json: Any
    body: Content
    basic: Optional[tuple[str, str]]
    sign_in: bool


class BaseCall(Generic[S]):
    """- `settings`: the settings of the connection, an instance of the plugin's class.
    - `arguments`: the arguments as the caller wrote them.
    - `dry_run`: no request is sent; the first one ends the command.
    - `all_pages`: the caller wants all pages.
    - `stream`: the caller gets the items as notifications.
    - `deadline`: in the time of `time.monotonic()`, or None.
    """

    def __init__(
        self, plugin: Plugin[S], link: Link, id: Any, command: str, settings: S,
        raw_settings: Mapping[str, Any], arguments: Mapping[str, Any], options: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.id = id
        self.command = command
        self.settings: S = settings
        self.arguments = arguments
        self.options = options
        self.dry_run: bool = options.get("dry_run") is True
        self.all_pages: bool = options.get("all_pages") is True
        self.stream: bool = options.get("stream") is True
        timeout = options.get("timeout_ms")
        self.deadline: Optional[float] = None if timeout is None else time.monotonic() + timeout / 1000
        self.collected: list[Any] = []
        self.has_items = False
        self.sent_items = 0
        self.files: list[dict[str, Any]] = []
        self.notices: list[str] = []
        #: Requests that may have changed something, and whether one of them succeeded.
        self.writes_in_doubt = 0
        self.has_written = False
        self.raw_settings = raw_settings
        self.plugin = plugin
        self._link = link
        self.is_cancelled = False
        self._tokens: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def cancelled(self) -> bool:
        """Whether the caller cancelled, or the deadline passed."""
        return self.is_cancelled or (self.deadline is not None and time.monotonic() >= self.deadline)

    def check(self) -> None:
        """Raises if the caller cancelled. For commands that compute for long."""
        if self.is_cancelled:
            raise Cancelled()
        if self.cancelled:
            raise PluginError("The deadline passed.", kind="timeout")

    @property
    def remaining(self) -> Optional[float]:
        """Seconds until the deadline, or None."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def cancel(self) -> None:
        """Called by the host's side."""
        self.is_cancelled = True

    def item(self, item: Any) -> None:
        """Emits an item: at once if the caller streams, otherwise as part of `raw_data`."""
        self.items((item,))

    def items(self, items: Iterable[Any]) -> None:
        """Emits items. They replace the list at the command's `items` path in the body that it returns."""
        self.has_items = True
        if not self.stream:
            self.collected.extend(items)
            return
        with self._lock:
            for item in items:
                self._link.notify("invoke/item", {"id": self.id, "seq": self.sent_items, "item": item})
                self.sent_items += 1

    def progress(self, done: float, total: Optional[float] = None) -> None:
        """Reports progress to a caller that asked for it."""
        if self.stream or self.options.get("progress") is True:
            params: dict[str, Any] = {"id": self.id, "done": done}
            if total is not None:
                params["total"] = total
            self._link.notify("invoke/progress", params)

    def notice(self, text: str) -> None:
        """Adds a fact to the result."""
        self.notices.append(text)

    def log(self, message: str, level: str = "info") -> None:
        """Writes to the host's log. Levels: `debug`, `info`, `warning`, `error`."""
        self._link.post("host/log", {"invocation": self.id, "level": level, "message": message})

    def event(self, raw: Any) -> dict[str, Any]:
        """The event of a document, by the command's declaration of `events`."""
        declared = self.plugin.commands[self.command].events
        if declared is None:
            raise TypeError(f"{self.command} does not declare events")
        return declared.event(raw)

    def absolute(self, url: str) -> str:
        """A path such as `/devices` below the connection's URL setting."""
        if not url.startswith("/"):
            return url
        base = self.plugin.base_url(self.settings)
        if base is None:
            raise ValueError(f"{url} needs a setting of the type URL")
        return base.rstrip("/") + url

    def _http_params(
        self, method: str, url: str, query: Optional[Query], headers: Optional[Headers], json: Any,
        body: Content, basic: Optional[tuple[str, str]], sign_in: bool, authorization: Optional[Headers],
    ) -> dict[str, Any]:  # fmt: skip
        params: dict[str, Any] = {"invocation": self.id, "method": method.upper(), "url": self.absolute(url)}
        if query:
            params["query"] = {name: _text(value) for name, value in query.items() if value is not None}
        if authorization or headers:
            params["headers"] = {**(authorization or {}), **(headers or {})}
        if json is not _ABSENT:
            params["json"] = json
        elif isinstance(body, bytes):
            params["body_base64"] = base64.b64encode(body).decode()
        elif body is not None:
            params["body"] = body
        if basic is not None:
            params["basic"] = {"user": basic[0], "password": basic[1]}
        if sign_in:
            params["sign_in"] = True
        return params

    def _begin(self, method: str, sign_in: bool) -> bool:
        """Whether the request may change something."""
        if sign_in or self.dry_run or method.upper() in _SAFE_METHODS:
            return False
        self.writes_in_doubt += 1
        return True

    def _end(self, is_write: bool, status: Optional[int], error: Optional[BaseException] = None) -> None:
        if not is_write:
            return
        if status is not None and status < 500 or getattr(error, "outcome", None) == "not_applied":
            self.writes_in_doubt -= 1
        if status is not None and status < 400:
            self.has_written = True

    def _is_refused_token(self, response: Response) -> bool:
        """Whether a token was refused and is now forgotten, so that signing in again may help."""
        if response.status != 401 or not self._tokens:
            return False
        for name, generation in self._tokens.items():
            self.plugin.tokens.forget(self.raw_settings, name, generation)
        return True

    def _use_token(self, name: str, generation: int) -> str:
        self._tokens[name] = generation
        return placeholder(name) if generation else REDACTED

    def forget(self, name: str) -> None:
        """Drops a token, so that `token` signs in again."""
        self.plugin.tokens.forget(self.raw_settings, name, self._tokens.get(name))

    def _keep_file(self, reference: dict[str, Any]) -> dict[str, Any]:
        self.files.append(reference)
        return reference

    def _put_params(
        self, name: str, content: Union[str, bytes], source: str, content_type: Optional[str]
    ) -> dict[str, Any]:
        data = content.encode() if isinstance(content, str) else content
        params = {
            "invocation": self.id, "name": os.path.basename(name), "source": source,
            "content_base64": base64.b64encode(data).decode()}
        if content_type is not None:
            params["content_type"] = content_type
        return params


class Call(BaseCall[S]):
    """The call of a command that is a plain function. It may be used by several threads."""

    def http(
        self, method: str, url: str, *, query: Optional[Query] = None, headers: Optional[Headers] = None,
        json: Any = _ABSENT, body: Content = None, basic: Optional[tuple[str, str]] = None,
        sign_in: bool = False,
    ) -> Response:  # fmt: skip
        """Sends a request to the vendor through the host and returns the response, whatever its status is.

        Raises PluginError if there is no response.

        Args:
            url: An absolute URL, or a path below the URL setting of the connection.
            query: Values are text, numbers, booleans or lists of them. None is left out.
            json: The body as JSON.
            body: The body as text or bytes.
            basic: User and password for the header Authorization.
            sign_in: The request only signs in. Dry runs omit it: the response is then an empty object.
        """
        for is_last in (False, True):
            authorization = None if sign_in else self.plugin.authorization(self)
            params = self._http_params(method, url, query, headers, json, body, basic, sign_in, authorization)
            is_write = self._begin(method, sign_in)
            try:
                response = Response(self._link.request(self, "host/http", params))
            except BaseException as error:
                self._end(is_write, None, error)
                raise
            self._end(is_write, response.status)
            if is_last or sign_in or not self._is_refused_token(response):
                break
        return response

    def get(self, url: str, **more: Unpack[RequestOptions]) -> Response:
        """`http` with GET."""
        return self.http("GET", url, **more)

    def post(self, url: str, **more: Unpack[RequestOptions]) -> Response:
        """`http` with POST."""
        return self.http("POST", url, **more)

    def put(self, url: str, **more: Unpack[RequestOptions]) -> Response:
        """`http` with PUT."""
        return self.http("PUT", url, **more)

    def patch(self, url: str, **more: Unpack[RequestOptions]) -> Response:
        """`http` with PATCH."""
        return self.http("PATCH", url, **more)

    def delete(self, url: str, **more: Unpack[RequestOptions]) -> Response:
        """`http` with DELETE."""
        return self.http("DELETE", url, **more)

    def secret(self, name: str, value: str) -> str:
        """Registers a secret that the vendor returned. Returns the placeholder to use in its place."""
        self._link.request(self, "host/secret", {"invocation": self.id, "name": name, "value": value})
        return placeholder(name)

    def token(self, name: str, sign_in: Callable[[Call[S]], str]) -> str:
        """The placeholder of a token, after signing in once per connection.

        `sign_in` returns the token that the vendor issued. If a request gets the status 401, `http` signs
        in once more and repeats it.
        """
        return self._use_token(name, self.plugin.tokens.get(self, name, sign_in))

    def file_put(
        self, name: str, content: Union[str, bytes], *, source: str = "playbook_file",
        content_type: Optional[str] = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Stores a file and adds it to the result. Returns its reference."""
        return self._keep_file(
            self._link.request(self, "host/file_put", self._put_params(name, content, source, content_type)))

    def file_get(self, file_id: str) -> bytes:
        """The content of a stored file."""
        parts: list[bytes] = []
        offset = 0
        while True:
            chunk = self._link.request(self, "host/file_get", {
                "invocation": self.id, "file_id": file_id, "offset": offset, "length": CHUNK_BYTES})
            parts.append(base64.b64decode(chunk["content_base64"]))
            offset += len(parts[-1])
            if chunk.get("eof", True) or not parts[-1]:
                return b"".join(parts)

    def targets(self, targets: Iterable[T], run: Callable[[T], Any], *, limit: int = 8) -> Result:
        """Runs a function per target, concurrently, and returns the outcome per target.

        The function returns the body for its target, or raises. Duplicate targets run once. If all
        fail, the command fails. If the vendor refuses the credentials, no further target is started.
        """
        return run_targets(self, targets, run, limit, self.plugin.workers)


class AsyncCall(BaseCall[S]):
    """The call of a command that is an `async def`. It has the methods of `Call`, to be awaited."""

    async def http(
        self, method: str, url: str, *, query: Optional[Query] = None, headers: Optional[Headers] = None,
        json: Any = _ABSENT, body: Content = None, basic: Optional[tuple[str, str]] = None,
        sign_in: bool = False,
    ) -> Response:  # fmt: skip
        """See `Call.http`."""
        for is_last in (False, True):
            authorization = None if sign_in else await self.plugin.authorization_async(self)
            params = self._http_params(method, url, query, headers, json, body, basic, sign_in, authorization)
            is_write = self._begin(method, sign_in)
            try:
                response = Response(await self._link.request_async(self, "host/http", params))
            except BaseException as error:
                self._end(is_write, None, error)
                raise
            self._end(is_write, response.status)
            if is_last or sign_in or not self._is_refused_token(response):
                break
        return response

    async def get(self, url: str, **more: Unpack[RequestOptions]) -> Response:
        return await self.http("GET", url, **more)

    async def post(self, url: str, **more: Unpack[RequestOptions]) -> Response:
        return await self.http("POST", url, **more)

    async def put(self, url: str, **more: Unpack[RequestOptions]) -> Response:
        return await self.http("PUT", url, **more)

    async def patch(self, url: str, **more: Unpack[RequestOptions]) -> Response:
        return await self.http("PATCH", url, **more)

    async def delete(self, url: str, **more: Unpack[RequestOptions]) -> Response:
        return await self.http("DELETE", url, **more)

    async def secret(self, name: str, value: str) -> str:
        """See `Call.secret`."""
        params = {"invocation": self.id, "name": name, "value": value}
        await self._link.request_async(self, "host/secret", params)
        return placeholder(name)

    async def token(self, name: str, sign_in: Callable[[AsyncCall[S]], Awaitable[str]]) -> str:
        """See `Call.token`."""
        return self._use_token(name, await self.plugin.tokens.get_async(self, name, sign_in))

    async def file_put(
        self, name: str, content: Union[str, bytes], *, source: str = "playbook_file",
        content_type: Optional[str] = None,
    ) -> dict[str, Any]:  # fmt: skip
        """See `Call.file_put`."""
        return self._keep_file(
            await self._link.request_async(
                self, "host/file_put", self._put_params(name, content, source, content_type)))

    async def file_get(self, file_id: str) -> bytes:
        """See `Call.file_get`."""
        parts: list[bytes] = []
        offset = 0
        while True:
            chunk = await self._link.request_async(self, "host/file_get", {
                "invocation": self.id, "file_id": file_id, "offset": offset, "length": CHUNK_BYTES})
            parts.append(base64.b64decode(chunk["content_base64"]))
            offset += len(parts[-1])
            if chunk.get("eof", True) or not parts[-1]:
                return b"".join(parts)

    async def targets(
        self, targets: Iterable[T], run: Callable[[T], Awaitable[Any]], *, limit: int = 8
    ) -> Result:
        """See `Call.targets`."""
        return await run_targets_async(self, targets, run, limit)


def placeholder(name: str) -> str:
    return "{{secret:%s}}" % name


def url_setting(settings: Any) -> Optional[str]:
    """The value of the URL setting: `server_url` if there are several."""
    members = settings if isinstance(settings, dict) else vars(settings) if hasattr(settings, "__dict__") else {}
    urls = {name: value for name, value in members.items() if isinstance(value, URL)}
    return urls.get("server_url") or next(iter(urls.values()), None)


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_text(one) for one in value if one is not None]
    return str(value)
