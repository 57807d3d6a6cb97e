"""One exchange with the official Python SDK, over stdio:

python.py legacy|modern list|ok|failing COMMAND [ARGUMENT...]
"""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters

SESSION = {"environment": "default", "allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}}


async def main(era: str, exchange: str, command: str, *args: str) -> None:
    version = {"legacy": "2025-11-25", "modern": "2026-07-28"}[era]
    mode = "legacy" if era == "legacy" else "auto"
    async with Client(StdioServerParameters(command=command, args=list(args)), mode=mode) as client:
        assert client.protocol_version == version, client.protocol_version
        tools = (await client.list_tools()).tools
        assert len(tools) == int(os.environ["TOOLS"]), [tool.name for tool in tools]

        # Having listed, the SDK checks every result against the tool's outputSchema.
        if exchange == "ok":
            result = await client.call_tool("create_connect_session", SESSION)
            assert not result.is_error, result
            assert result.structured_content["connect_link"].startswith("http"), result
        elif exchange == "failing":
            result = await client.call_tool("list_connections", {"environment": "default"})
            assert result.is_error and result.structured_content is None, result
            assert "set NANGO_SECRET_KEY" in result.content[0].text, result


asyncio.run(main(*sys.argv[1:]))
