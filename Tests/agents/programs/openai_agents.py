"""MCPServerStdio of openai-agents, without a model: what an agent would do with it, step by step."""

import asyncio

import scenario
from agents.mcp import MCPServerStdio
from scenario import say, wire


class Agents:
    def __init__(self, server):
        self.server = server

    async def tools(self):
        return [wire(tool) for tool in await self.server.list_tools()]

    async def call(self, name, arguments, progress=None):
        return wire(await self.server.call_tool(name, arguments))

    async def give_up(self, name, arguments):
        try:
            await asyncio.wait_for(self.server.call_tool(name, arguments), scenario.PATIENCE)
        except TimeoutError:
            return "TimeoutError"

    async def resources(self):
        return wire(await self.server.list_resources())["resources"]

    async def read(self, uri):
        return wire(await self.server.read_resource(uri))["contents"]

    async def prompts(self):
        return wire(await self.server.list_prompts())["prompts"]

    async def prompt(self, name, arguments):
        return wire(await self.server.get_prompt(name, arguments))["messages"]


async def refused(client):
    """It cannot ask its user: with --confirm always nothing is changed."""
    result = await client.call(
        "bitdefender_gravityzone__delete_endpoints", {"endpoint_ids": scenario.ENDPOINTS[3:]})
    say("refused", error=result["isError"], text=scenario.text(result),
        left=len(await scenario.listed_endpoints(client)))


async def main():
    async with MCPServerStdio({
        "command": scenario.COMMAND, "args": scenario.ARGUMENTS, "env": scenario.ENVIRONMENT,
    }) as server:
        say("hello", revision=server.session.protocol_version)
        for step in (
            scenario.read, scenario.give_up, scenario.files, scenario.playbooks, refused,
        ):
            await step(Agents(server))


asyncio.run(main())
