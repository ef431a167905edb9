"""Messages of the Model Context Protocol, held against the schema of a revision."""

from __future__ import annotations

import functools
import json
from typing import Any

import jsonschema
from Support.host import ROOT

SUITES = ROOT.parent / "shared/suites/mcp"

#: What answers a request.
RESULTS = {
    "initialize": "InitializeResult", "server/discover": "DiscoverResult",
    "tools/list": "ListToolsResult", "tools/call": "CallToolResult",
    "resources/list": "ListResourcesResult", "resources/read": "ReadResourceResult",
    "resources/templates/list": "ListResourceTemplatesResult",
    "prompts/list": "ListPromptsResult", "prompts/get": "GetPromptResult",
    "subscriptions/listen": "SubscriptionsListenResult",
}
REQUESTS = {
    "initialize": "InitializeRequest", "ping": "PingRequest",
    "tools/list": "ListToolsRequest", "tools/call": "CallToolRequest",
    "resources/list": "ListResourcesRequest", "resources/read": "ReadResourceRequest",
    "resources/templates/list": "ListResourceTemplatesRequest",
    "prompts/list": "ListPromptsRequest", "prompts/get": "GetPromptRequest",
}


class Schema:
    """The published JSON Schema of one revision."""

    def __init__(self, revision: str) -> None:
        document = json.loads((SUITES / revision / "schema.json").read_text())
        self.revision = revision
        self._place = "$defs" if "$defs" in document else "definitions"
        self.definitions: dict[str, Any] = document[self._place]
        self._dialect = jsonschema.validators.validator_for(document)

    def knows(self, name: str) -> bool:
        return name in self.definitions

    @functools.cache
    def _validator(self, name: str) -> Any:
        return self._dialect(
            {"$ref": f"#/{self._place}/{name}", self._place: self.definitions})

    def check(self, name: str, value: Any) -> None:
        assert self.knows(name), f"{self.revision} has no {name}: {value}"
        error = jsonschema.exceptions.best_match(self._validator(name).iter_errors(value))
        assert error is None, f"{self.revision} {name}: {error.json_path} {error.message}"

    def check_members(self, name: str, value: dict[str, Any]) -> None:
        """The schemas let every object have more members; the host sends none of a later revision."""
        known = self.definitions[name].get("properties", {})
        assert set(value) <= set(known), f"{self.revision} {name} has no {set(value) - set(known)}"

    def check_sent(self, message: dict[str, Any], method: str | None) -> None:
        """Fails for what a server may not send.

        - Parameter method: of the request that is answered.
        """
        self.check("JSONRPCMessage", message)
        if "method" in message:
            self.check("ServerRequest" if "id" in message else "ServerNotification", message)
        elif "result" in message and method in RESULTS:
            result = message["result"]
            asks = result.get("resultType") == "input_required"
            self.check("InputRequiredResult" if asks else RESULTS[method], result)

    def accepts_request(self, message: dict[str, Any]) -> bool:
        """Whether a client may send it. False for methods that the protocol does not have."""
        name = REQUESTS.get(message["method"])
        return name is not None and self._validator(name).is_valid(message)


@functools.cache
def schema(revision: str) -> Schema:
    return Schema(revision)
