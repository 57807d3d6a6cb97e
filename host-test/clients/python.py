"""One exchange with the official Python SDK, over stdio or HTTP:

python.py legacy|modern list|ok|failing URL|COMMAND [ARGUMENT...]

As for the other clients: TOOLS is how many tools there are, TOKEN is sent as a bearer token, and DEMO says whether the
server marks results of the embedded Nango, which the host does when it is told to use it.
"""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

SESSION = {"environment": "default", "allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}}


def transport(target: str, args: list[str]):
    if not target.startswith("http:"):
        return StdioServerParameters(command=target, args=args)
    token = os.environ.get("TOKEN")
    http = create_mcp_http_client(headers={"Authorization": f"Bearer {token}"} if token else None)
    return streamable_http_client(target, http_client=http)


async def main(era: str, exchange: str, target: str, *args: str) -> None:
    version = {"legacy": "2025-11-25", "modern": "2026-07-28"}[era]
    mode = "legacy" if era == "legacy" else "auto"
    async with Client(transport(target, list(args)), mode=mode) as client:
        assert client.protocol_version == version, client.protocol_version
        tools = (await client.list_tools()).tools
        assert len(tools) == int(os.environ["TOOLS"]), [tool.name for tool in tools]

        # Having listed, the SDK checks every result against the tool's outputSchema.
        if exchange == "ok":
            result = await client.call_tool("create_connect_session", SESSION)
            assert not result.is_error, result
            assert result.structured_content["connect_link"].startswith("http"), result
            assert (result.meta or {}).get("demo") is (True if os.environ.get("DEMO") else None), result
        elif exchange == "failing":
            result = await client.call_tool("list_connections", {"environment": "default"})
            assert result.is_error and result.structured_content is None, result
            assert "set NANGO_SECRET_KEY" in result.content[0].text, result


asyncio.run(main(*sys.argv[1:]))
