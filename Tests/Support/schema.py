"""Messages of the Model Context Protocol, held against the schema of a revision."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import jsonschema

#: What answers a request.
RESULTS = {
    "initialize": "InitializeResult", "server/discover": "DiscoverResult",
    "tools/list": "ListToolsResult", "tools/call": "CallToolResult",
    "resources/list": "ListResourcesResult", "resources/read": "ReadResourceResult",
    "resources/templates/list": "ListResourceTemplatesResult",
    "prompts/list": "ListPromptsResult", "prompts/get": "GetPromptResult",
    "subscriptions/listen": "SubscriptionsListenResult", "ping": "EmptyResult",
}
REQUESTS = {
    "initialize": "InitializeRequest", "ping": "PingRequest",
    "tools/list": "ListToolsRequest", "tools/call": "CallToolRequest",
    "resources/list": "ListResourcesRequest", "resources/read": "ReadResourceRequest",
    "resources/templates/list": "ListResourceTemplatesRequest",
    "prompts/list": "ListPromptsRequest", "prompts/get": "GetPromptRequest",
}


class Schema:
    def __init__(self, path: pathlib.Path) -> None:
        self._document = json.loads(path.read_text())
        self._definitions = "$defs" if "$defs" in self._document else "definitions"

    def validator(self, name: str) -> jsonschema.protocols.Validator:
        assert name in self._document[self._definitions], name
        kind = jsonschema.validators.validator_for(self._document)
        return kind({**self._document, "$ref": f"#/{self._definitions}/{name}"})

    def check(self, message: dict[str, Any], method: str | None) -> None:
        """Fails for what a server may not send.

        - Parameter method: of the request that is answered.
        """
        self.validator("JSONRPCMessage").validate(message)
        if "method" in message:
            kind = "ServerRequest" if "id" in message else "ServerNotification"
            self.validator(kind).validate(message)
        elif "result" in message and method in RESULTS:
            result = message["result"]
            asks = result.get("resultType") == "input_required"
            self.validator("InputRequiredResult" if asks else RESULTS[method]).validate(result)

    def accepts_request(self, message: dict[str, Any]) -> bool:
        """Whether a client may send it. False for methods that the protocol does not have."""
        name = REQUESTS.get(message["method"])
        return name is not None and self.validator(name).is_valid(message)
