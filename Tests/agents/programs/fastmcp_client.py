"""fastmcp's own client."""

import asyncio

import scenario
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError
from mcp import MCPError
from scenario import say, wire


class FastMCP:
    def __init__(self):
        self.answer, self.questions = "decline", []
        self.client = Client(
            StdioTransport(scenario.COMMAND, scenario.ARGUMENTS, env=scenario.ENVIRONMENT),
            elicitation_handler=self.ask)

    async def ask(self, message, kind, params, context):
        self.questions.append(message)
        return ElicitResult(action=self.answer)

    async def tools(self):
        return [wire(tool) for tool in await self.client.list_tools()]

    async def call(self, name, arguments, progress=None):
        result = await self.client.call_tool(
            name, arguments, progress_handler=progress, raise_on_error=False)
        # `data` is the structured content again, as objects of the output schema.
        if not result.is_error:
            assert result.data.return_data == result.structured_content["return_data"]
        return {
            "content": [wire(item) for item in result.content], "isError": result.is_error,
            "structuredContent": result.structured_content}

    async def give_up(self, name, arguments):
        try:
            await self.client.call_tool(name, arguments, timeout=scenario.PATIENCE)
        except MCPError as error:
            return error.error.code

    async def resources(self):
        return [wire(resource) for resource in await self.client.list_resources()]

    async def read(self, uri):
        return [wire(content) for content in await self.client.read_resource(uri)]

    async def prompts(self):
        return [wire(prompt) for prompt in await self.client.list_prompts()]

    async def prompt(self, name, arguments):
        return wire(await self.client.get_prompt(name, arguments))["messages"]


async def main():
    fast = FastMCP()
    async with fast.client as client:
        say("hello", revision=client.protocol_version, server=client.server_info.name)
        for step in (
            scenario.read, scenario.watch, scenario.give_up, scenario.files, scenario.playbooks,
            scenario.consent,
        ):
            await step(fast)
        try:
            await client.call_tool(
                "coda_footprint__list_device_users", {"connection": "coda_sandbox", "device_id": 9999})
        except ToolError as error:
            say("raised", text=str(error))
    # Its process is kept for the next time otherwise.
    await client.close()


asyncio.run(main())
