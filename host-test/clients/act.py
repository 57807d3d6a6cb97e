"""What ACT's host makes of the component: act.py COMPONENT

KEY is the API key of the embedded Nango at the origin NANGO; TOOLS is a file with the tools as nango-mcp-host lists them.
The client is the official Python SDK of MCP, on the stdio of `act run --mcp`.
"""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import urllib.request

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

COMPONENT, = sys.argv[1:]
KEY, NANGO = os.environ["KEY"], os.environ["NANGO"]
HERE = {"environment": "default"}
SESSION = HERE | {"allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}}
heard = []  # everything that a client or an operator got to see


def say(*lines: str) -> None:
    heard.extend(lines)
    print("\n".join(line.replace(KEY, "KEY") for line in lines), flush=True)


def shown(text: str, most: int = 300) -> str:
    text = re.sub(r"(nango_connect_session_\w{4})\w+", r"\1…", text)
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def run(*command: str, given: str | None = None) -> str:
    """A command that ends by itself: what it printed, whatever its end."""
    say(f"$ {' '.join(command)}" + (f" <<<'{given}'" if given else ""))
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)
    heard.extend([done.stdout, done.stderr])
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@contextlib.asynccontextmanager
async def serving(title: str, *options: str):
    """A client of `act run --mcp` with these options."""
    say("", f"== {title}", f"$ act run --mcp {COMPONENT} {' '.join(repr(o) if '{' in o else o for o in options)}".rstrip())
    with open("stderr.log", "w+") as log:
        server = StdioServerParameters(command="act", args=["run", "--mcp", COMPONENT, *options], env=dict(os.environ))
        async with Client(stdio_client(server, errlog=log), mode="legacy") as client:
            yield client
        log.seek(0)
        heard.append(log.read())


async def call(client: Client, tool: str, arguments: dict, shows: bool = True) -> tuple[bool, list]:
    """A call: whether it failed, and its blocks."""
    result = await client.call_tool(tool, arguments)
    heard.append(result.model_dump_json())
    if shows:
        say(f"> {tool} {json.dumps(arguments)}", *(f"< {'failed: ' if result.is_error else ''}{shown(block.text)}" for block in result.content))
    return result.is_error, result.content


async def fails(client: Client, tool: str, arguments: dict, *words: str) -> None:
    failed, content = await call(client, tool, arguments)
    assert failed and len(content) == 1, content
    for word in words:
        assert word in content[0].text, (word, content[0].text)


def as_everywhere(tools: list) -> None:
    """The tools are those of the other worlds, word for word."""
    expected = json.load(open(os.environ["TOOLS"]))
    expected = expected["tools"] if isinstance(expected, dict) else expected
    assert len(expected) == 31, len(expected)
    assert [tool.name for tool in tools] == [tool["name"] for tool in expected]
    for tool, other in zip(tools, expected):
        assert (tool.description, tool.input_schema) == (other["description"], other["inputSchema"]), tool.name
        hints = other["annotations"]
        of_act = {name: hints[name] for name in ("readOnlyHint", "destructiveHint", "idempotentHint") if name in hints}
        had = tool.annotations.model_dump(by_alias=True, exclude_none=True)
        assert had == of_act, (tool.name, had, of_act)


async def main() -> None:
    say(run("act", "--version").strip(), run("act-build", "validate", COMPONENT).strip())
    manifest = json.loads(run("act", "inspect", "component-manifest", COMPONENT))["std"]
    say(f"< {json.dumps({name: manifest[name] for name in ('name', 'version', 'license', 'capabilities')})}")
    assert (manifest["name"], set(manifest["capabilities"])) == ("nango", {"wasi:http", "act:credentials"})

    # The key is stored by the operator, and past the model.
    stored = json.dumps({"NANGO_SECRET_KEY": KEY, "NANGO_BASE_URL": NANGO})
    said = run("act", "secret", "set", COMPONENT, "--field", "NANGO_SECRET_KEY", "--field", "NANGO_BASE_URL", "--fields-stdin", given=stored)
    say(f"< {said.strip()}")
    granted = ("--allow", "creds", "--allow", f"http={NANGO}")

    async with serving("the stored key", "--session-args", "{}", *granted, "--max-memory", "4MiB") as client:
        info = client.server_info
        say(f"> initialize", f"< {info.name} {info.version}")
        tools = (await client.list_tools()).tools
        as_everywhere(tools)
        say("> tools/list", f"< {len(tools)} tools, names, descriptions, schemas and hints as everywhere: {', '.join(tool.name for tool in tools[:4])}, …")
        failed, content = await call(client, "list_integrations", HERE)
        assert not failed and json.loads(content[0].text)["total"] > 3, content
        failed, content = await call(client, "create_connect_session", SESSION)
        link = json.loads(content[0].text)["connect_link"]
        assert not failed and link.startswith(NANGO), content
        token = re.search(r"session_token=(\w+)", link)[1]
        request = urllib.request.Request(f"{NANGO}/connect/session", headers={"authorization": f"Bearer {token}"})
        known = json.load(urllib.request.urlopen(request, timeout=10))["data"]
        assert known["allowed_integrations"] == SESSION["allowed_integrations"], known
        say(f"> GET {NANGO}/connect/session with that link's token", f"< 200 {json.dumps(known['allowed_integrations'])}")
        failed, content = await call(client, "check_environment", HERE)
        assert not failed and json.loads(content[0].text)["ready"], content
        await fails(client, "get_connection", HERE | {"connection_id": "none", "provider_config_key": "github"}, "unknown_connection")
        await fails(client, "list_integrations", HERE | {"enviroment": "default"}, "did you mean `environment`?")
        many = await asyncio.gather(*(call(client, "list_connections", HERE, shows=False) for _ in range(20)))
        assert not any(failed for failed, _ in many)
        # ACT keeps one instance for all calls; it must not wear out. Nango's limit allows no more requests.
        for tool in ["list_integrations"] * 60 + ["describe_connection_convention"] * 1000:
            failed, content = await call(client, tool, HERE if tool == "list_integrations" else {}, shows=False)
            assert not failed, content
        say("> 20 calls of list_connections at once, then 1060 others in a row, in 4 MiB", "< all of them")

    async with serving("a host that is not allowed", "--session-args", "{}", "--allow", "creds", "--allow", "http=https://api.nango.dev") as client:
        await fails(client, "list_integrations", HERE, "the host denied outbound HTTP", f"--allow http={NANGO}")

    async with serving("no stored credentials allowed", "--session-args", "{}", "--allow", f"http={NANGO}") as client:
        await fails(client, "list_integrations", HERE, "missing_key", "--allow creds")

    elsewhere = json.dumps({"NANGO_BASE_URL": "https://elsewhere.example"})
    async with serving("the stored key, sent elsewhere", "--session-args", elsewhere, "--allow", "creds", "--allow", "http") as client:
        await fails(client, "list_integrations", HERE, "NANGO_BASE_URL", "not where the stored key belongs")

    # Without --session-args ACT lets its client open sessions, by two more tools.
    async with serving("sessions of the client's own", *granted) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names[31:] == ["open_session", "close_session"], names
        await fails(client, "list_integrations", HERE, "missing_key", "act secret set", "--session-args")
        given = {"std:api-key": KEY, "NANGO_BASE_URL": NANGO, "NANGO_MCP_READ_ONLY": "true"}
        failed, content = await call(client, "open_session", given)
        session = {"_meta": {"std:session-id": json.loads(content[0].text)["id"]}}
        failed, content = await call(client, "list_integrations", HERE | session)
        assert not failed, content
        await fails(client, "create_connect_session", SESSION | session, "read_only")
        looser = {"_meta": session["_meta"] | {"NANGO_MCP_READ_ONLY": "false"}}
        await fails(client, "create_connect_session", SESSION | looser, "read_only")
        await call(client, "close_session", {"session_id": session["_meta"]["std:session-id"]})
        await fails(client, "list_integrations", HERE | session, "not open")

    say("", run("act", "secret", "rm", COMPONENT, "--key", "default").strip())
    async with serving("nothing stored", "--session-args", "{}", *granted) as client:
        await fails(client, "list_integrations", HERE, "missing_key", "act secret set")

    # What the operator typed and what the client itself sent apart, the key was never seen.
    own = [text for text in heard if KEY in text and not text.startswith(("$ act secret set", "> open_session"))]
    assert not own, own
    say("", "the key: in no answer, no error and no log")


try:
    asyncio.run(main())
except* AssertionError as failed:
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    raise failed from None
