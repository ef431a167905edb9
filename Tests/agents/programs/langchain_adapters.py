"""langchain-mcp-adapters, which starts a host for each list and each call."""

import asyncio

import scenario
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from mcp.types import ElicitResult
from scenario import say


class LangChain:
    def __init__(self):
        self.answer, self.questions, self.told = "decline", [], None
        connection = {
            "transport": "stdio", "command": scenario.COMMAND, "args": scenario.ARGUMENTS,
            "env": scenario.ENVIRONMENT}
        self.client = MultiServerMCPClient(
            {"sallyport": connection},
            callbacks=Callbacks(on_progress=self.hear, on_elicitation=self.ask))
        self.by_name = {}

    async def ask(self, context, params, where):
        self.questions.append(params.message)
        return ElicitResult(action=self.answer, content={} if self.answer == "accept" else None)

    async def hear(self, done, total, message, where):
        if self.told:
            await self.told(done, total, message)

    async def tools(self):
        tools = await self.client.get_tools()
        self.by_name = {tool.name: tool for tool in tools}
        return [{"name": tool.name, "inputSchema": tool.args_schema} for tool in tools]

    async def call(self, name, arguments, progress=None):
        self.told = progress
        message = await self.by_name[name].ainvoke(
            {"type": "tool_call", "id": "1", "name": name, "args": arguments})
        content = [{"type": "text", "text": message.content}] if isinstance(
            message.content, str) else message.content
        return {
            "content": content, "isError": message.status == "error",
            "structuredContent": (message.artifact or {}).get("structured_content")}

    async def prompt(self, name, arguments):
        [message] = await self.client.get_prompt("sallyport", name, arguments=arguments)
        say("prompt", role=message.type, text=message.content.split("\n")[0])


async def main():
    chain = LangChain()
    for step in (scenario.read, scenario.watch, scenario.consent):
        await step(chain)
    await chain.prompt("isolate_host", {"host": "LOBBY-PC1", "reason": "beaconing"})


asyncio.run(main())
