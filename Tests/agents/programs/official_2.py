"""The official client, 2.x. The revision comes first among the arguments: auto or legacy."""

import sys

import anyio
import mcp_types as types

MODE = sys.argv.pop(1)

import scenario  # noqa: E402
from mcp import Client, MCPError, StdioServerParameters  # noqa: E402
from scenario import say, wire  # noqa: E402


class Official:
    def __init__(self):
        self.answer, self.questions = "decline", []
        self.client = Client(
            StdioServerParameters(
                command=scenario.COMMAND, args=scenario.ARGUMENTS, env=scenario.ENVIRONMENT),
            mode=MODE, elicitation_callback=self.ask, message_handler=self.hear)
        self.tools_changed = anyio.Event()

    async def ask(self, context, params):
        self.questions.append(params.message)
        return types.ElicitResult(
            action=self.answer, content={} if self.answer == "accept" else None)

    async def hear(self, message):
        if isinstance(message, types.ToolListChangedNotification):
            self.tools_changed.set()

    async def tools(self):
        return await self.all_pages(self.client.list_tools, "tools")

    async def all_pages(self, method, member):
        found, cursor = [], None
        while True:
            page = await method(cursor=cursor)
            found += wire(page)[member]
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def call(self, name, arguments, progress=None):
        return wire(await self.client.call_tool(name, arguments, progress_callback=progress))

    async def give_up(self, name, arguments):
        try:
            await self.client.call_tool(name, arguments, read_timeout_seconds=scenario.PATIENCE)
        except MCPError as error:
            return error.error.code

    async def resources(self):
        return await self.all_pages(self.client.list_resources, "resources")

    async def read(self, uri):
        return wire(await self.client.read_resource(uri))["contents"]

    async def prompts(self):
        return await self.all_pages(self.client.list_prompts, "prompts")

    async def prompt(self, name, arguments):
        return wire(await self.client.get_prompt(name, arguments))["messages"]


async def change(official):
    async def put():
        # Below the session, which marks each request of the stateless revision with `_meta`: the
        # host's own methods take no members that they do not know.
        await official.client.session._dispatcher.send_raw_request(
            "connections/put", scenario.SECOND_CONNECTION, {})

    if MODE == "legacy":
        await put()
        await official.tools_changed.wait()
    else:
        async with official.client.listen(tools_list_changed=True) as changes:
            await put()
            await anext(aiter(changes))
    await scenario.changed(official)


async def main():
    official = Official()
    async with official.client as client:
        say("hello", revision=client.protocol_version, server=client.server_info.name)
        for step in (
            scenario.read, scenario.watch, scenario.give_up, scenario.files, scenario.playbooks,
            scenario.consent, change,
        ):
            await step(official)
        try:
            await client.call_tool("gmail__search_emials", {})
        except MCPError as error:
            say("unknown", code=error.error.code, text=error.error.message, data=error.error.data)


anyio.run(main)
