"""The official client, 1.x."""

import datetime

import anyio
import scenario
from mcp import ClientSession, McpError, StdioServerParameters, stdio_client, types
from scenario import say, wire


class Official:
    def __init__(self, session):
        self.answer, self.questions, self.session = "decline", [], session

    async def ask(self, context, params):
        self.questions.append(params.message)
        return types.ElicitResult(
            action=self.answer, content={} if self.answer == "accept" else None)

    async def all_pages(self, method, member):
        found, cursor = [], None
        while True:
            page = await method(params=types.PaginatedRequestParams(cursor=cursor))
            found += wire(page)[member]
            cursor = page.nextCursor
            if cursor is None:
                return found

    async def tools(self):
        return await self.all_pages(self.session.list_tools, "tools")

    async def call(self, name, arguments, progress=None):
        return wire(await self.session.call_tool(name, arguments, progress_callback=progress))

    async def give_up(self, name, arguments):
        # This client says nothing to the server when its time is up; a user of it can.
        id = self.session._request_id
        patience = datetime.timedelta(seconds=scenario.PATIENCE)
        try:
            await self.session.call_tool(name, arguments, read_timeout_seconds=patience)
        except McpError as error:
            params = types.CancelledNotificationParams(requestId=id, reason="time is up")
            await self.session.send_notification(
                types.ClientNotification(types.CancelledNotification(params=params)))
            return error.error.code

    async def resources(self):
        return await self.all_pages(self.session.list_resources, "resources")

    async def read(self, uri):
        return wire(await self.session.read_resource(uri))["contents"]

    async def prompts(self):
        return await self.all_pages(self.session.list_prompts, "prompts")

    async def prompt(self, name, arguments):
        return wire(await self.session.get_prompt(name, arguments))["messages"]


class PutConnection(types.Request):
    """A method of the host's own, on the same stream."""

    method: str = "connections/put"
    params: dict


async def main():
    official = Official(None)
    tools_changed = anyio.Event()

    async def hear(message):
        if isinstance(message, types.ServerNotification) and isinstance(
                message.root, types.ToolListChangedNotification):
            tools_changed.set()

    server = StdioServerParameters(
        command=scenario.COMMAND, args=scenario.ARGUMENTS, env=scenario.ENVIRONMENT)
    async with (
        stdio_client(server) as (reading, writing),
        ClientSession(
            reading, writing, elicitation_callback=official.ask, message_handler=hear) as session,
    ):
        hello = await session.initialize()
        say("hello", revision=hello.protocolVersion, server=hello.serverInfo.name)
        official.session = session
        for step in (
            scenario.read, scenario.watch, scenario.give_up, scenario.files, scenario.playbooks,
            scenario.consent,
        ):
            await step(official)
        await session.send_request(
            PutConnection(params=scenario.SECOND_CONNECTION), types.EmptyResult)
        await tools_changed.wait()
        await scenario.changed(official)
        try:
            await session.call_tool("gmail__search_emials", {})
        except McpError as error:
            say("unknown", code=error.error.code, text=error.error.message, data=error.error.data)


anyio.run(main)
