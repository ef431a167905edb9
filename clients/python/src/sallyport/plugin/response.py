"""A vendor's response, as the host hands it to a plugin."""

from __future__ import annotations

import base64
import http
import json
from collections.abc import Mapping
from typing import Any, Optional

from .errors import PluginError

_ABSENT = object()
#: Members of a vendor's error that hold its message, in the order of preference.
_MESSAGES = ("message", "error_description", "detail", "details", "title", "reason", "error", "errors")


class Response:
    """`status`, `headers` (names in lower case) and the body: `json()`, `text` or `content`."""

    __slots__ = ("_params", "headers", "status")

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self.status: int = params.get("status", 0)
        headers = params.get("headers") or {}
        self.headers: dict[str, str] = {name.lower(): value for name, value in headers.items()}

    @property
    def ok(self) -> bool:
        return self.status < 400

    def json(self) -> Any:
        """The body. Raises PluginError if it is not JSON."""
        value = self._params.get("json", _ABSENT)
        if value is not _ABSENT:
            return value
        try:
            return json.loads(self.content)
        except ValueError:
            raise PluginError(
                "The vendor's response is not JSON.", status_code=502, kind="upstream", retryable=False,
                upstream=self.text[:500] or None) from None

    @property
    def text(self) -> str:
        if "body" in self._params:
            return str(self._params["body"])
        return self.content.decode("utf-8", "replace")

    @property
    def content(self) -> bytes:
        params = self._params
        if "body_base64" in params:
            return base64.b64decode(params["body_base64"])
        if "json" in params:
            return json.dumps(params["json"], ensure_ascii=False).encode("utf-8", "surrogatepass")
        return str(params.get("body", "")).encode("utf-8", "surrogatepass")

    def raise_for_status(self, remedy: Optional[str] = None) -> Response:
        """Raises the vendor's error as PluginError. Returns the response if it has none."""
        if self.status < 400:
            return self
        body = self._params.get("json")
        if body is None:
            body = self.text[:500] or None
        message = error_message(body) or _reason(self.status)
        retry_after = self.headers.get("retry-after", "")
        raise PluginError(
            message, status_code=self.status, remedy=remedy, upstream=body,
            retry_after_ms=int(retry_after) * 1000 if retry_after.isdigit() else None)


def error_message(body: Any) -> Optional[str]:
    """The message in a vendor's error, in the usual places."""
    if isinstance(body, str):
        return body.strip() or None
    if isinstance(body, list):
        return next(filter(None, map(error_message, body)), None)
    if not isinstance(body, dict):
        return None
    for name in _MESSAGES:
        found = error_message(body.get(name))
        if found:
            return found
    return None


def _reason(status: int) -> str:
    try:
        return f"{http.HTTPStatus(status).phrase}."
    except ValueError:
        return f"The vendor returned the status {status}."
