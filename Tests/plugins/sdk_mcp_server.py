"""An MCP server on the SDK of the protocol, for its versions 1 and 2. Nothing in it is made for the host."""

from __future__ import annotations

import os
from typing import Any

import anyio

try:
    from mcp.server.mcpserver import Context, Image, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
except ModuleNotFoundError:
    from mcp.server.fastmcp import Context, FastMCP as MCPServer, Image
    from mcp.server.fastmcp.exceptions import ToolError
from mcp.types import ToolAnnotations

server = MCPServer("On the SDK")


@server.tool(annotations=ToolAnnotations(readOnlyHint=True))
def add(a: int, b: int = 1) -> dict[str, int]:
    """Adds two numbers."""
    return {"sum": a + b}


@server.tool()
def note(text: str) -> str:
    """Returns the text."""
    return text


@server.tool()
def fail() -> str:
    """Fails, and shows its key."""
    raise ToolError(f"no access with {os.environ.get('ACME_KEY')}")


@server.tool(annotations=ToolAnnotations(readOnlyHint=True))
def picture() -> Image:
    """Returns an image."""
    return Image(data=b"\x89PNG\x00", format="png")


@server.tool()
async def count(to: int, ctx: Context) -> dict[str, int]:
    """Counts, with progress."""
    for number in range(1, to + 1):
        await ctx.report_progress(number, to)
    return {"counted": to}


@server.tool()
async def wait(file: str, ctx: Context) -> dict[str, Any]:
    """Waits until it is cancelled, and writes that to a file."""
    await ctx.report_progress(0, 1)
    try:
        await anyio.sleep_forever()
    except BaseException:
        with open(file, "w") as output:
            output.write("cancelled")
        raise
    return {}


if __name__ == "__main__":
    server.run()
