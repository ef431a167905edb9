"""An agent's session without a model, with the official client: pip install 'mcp>=2,<3'"""

import asyncio

from mcp import Client, StdioServerParameters
from mcp_types import ElicitResult

HOST = StdioServerParameters(command="sallyport", args=["serve", "--sandbox"])


def show(title, text):
    print(f"— {title}\n{text}\n")


async def ask(context, question):
    """Plays the user, who must confirm a destructive command."""
    show("the user is asked, and declines", question.message)
    return ElicitResult(action="decline")


async def main():
    async with Client(HOST, elicitation_callback=ask) as client:
        tools = (await client.list_tools()).tools
        show("connected", f"{client.server_info.name}, MCP {client.protocol_version}, {len(tools)} tools")

        result = await client.call_tool(
            "coda_footprint__list_devices", {"filter": {"riskLevel": "critical", "pageSize": 2}})
        devices = result.structured_content["raw_data"]["items"]
        show("what the model reads", result.content[0].text.split("\n")[0])
        show("what a program reads", [(device["name"], device["ip"]) for device in devices])

        result = await client.call_tool(
            "coda_footprint__list_devices", {"filter": {"riskLevl": "critical"}})
        show("a mistake", result.content[0].text)

        result = await client.call_tool("bitdefender_gravityzone__delete_endpoints", {
            "endpoint_ids": ["6affe1e0b1a43d0003000001", "6affe1e0b1a43d0003000002"]})
        show("the error that the model reads", result.content[0].text)

        result = await client.call_tool("gmail__download_email_attachment", {
            "user_email": "soc@harbor.example", "message_id": "1a1e36095ba05ccd",
            "attachment_file_names": ["invoice.csv"]})
        link = result.content[1]
        [file] = (await client.read_resource(link.uri)).contents
        show(f"a file, {link.name}, as a resource", file.text.splitlines()[0])


asyncio.run(main())
