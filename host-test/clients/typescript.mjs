// One exchange with an official TypeScript SDK:
//   typescript.mjs sdk|client legacy|modern ok|failing|refused|unknown URL|COMMAND [ARGUMENT...]
// `sdk` is the package of 1.x, which speaks the legacy era only; `client` that of 2.x.
// Tools are listed first: from then on the SDK checks every result against the tool's outputSchema.
// TOOLS is how many tools there are, TOKEN is sent as a bearer token, and DEMO says whether the server marks results of the
// embedded Nango, which the host does when it is told to use it.
import assert from 'node:assert/strict';

const [sdk, era, exchange, target, ...args] = process.argv.slice(2);
const { TOOLS, TOKEN, DEMO } = process.env;
const from = (path) => import(`@modelcontextprotocol/${path}`);
const parts = sdk === 'sdk'
  ? await Promise.all(['index', 'stdio', 'streamableHttp'].map((part) => from(`sdk/client/${part}.js`)))
  : await Promise.all([from('client'), from('client/stdio')]);
const { Client, StdioClientTransport, StreamableHTTPClientTransport } = Object.assign({}, ...parts);

const mode = era === 'modern' ? { pin: '2026-07-28' } : 'legacy';
const client = new Client({ name: 'clients', version: '1' }, { versionNegotiation: { mode } });
const requestInit = TOKEN ? { headers: { Authorization: `Bearer ${TOKEN}` } } : {};
const transport = target.startsWith('http:')
  ? new StreamableHTTPClientTransport(new URL(target), { requestInit })
  : new StdioClientTransport({ command: target, args });

// Without a token, or with one that the server does not know: its sentence reaches the program that the client is part of.
const sentence = { refused: /send it as `Authorization: Bearer <token>`/, unknown: /the token is not one of this server's/ }[exchange];
if (sentence) {
  await assert.rejects(client.connect(transport), ({ code, message, data }) => {
    assert.equal(data?.status ?? code, 401);
    assert.match(`${message} ${data?.text}`, sentence);
    return true;
  });
  process.exit();
}

await client.connect(transport);
try {
  if (sdk === 'client') assert.equal(client.getProtocolEra(), era);
  const { tools } = await client.listTools();
  assert.equal(tools.length, Number(TOOLS));
  assert(tools.every((tool) => tool.outputSchema));

  if (exchange === 'ok') {
    const session = await client.callTool({
      name: 'create_connect_session',
      arguments: { environment: 'default', allowed_integrations: ['github'], tags: { end_user_id: 'u1' } },
    });
    assert.match(session.structuredContent.connect_link, /^http/);
    assert.equal(session._meta?.demo, DEMO ? true : undefined);
    const list = await client.callTool({ name: 'list_integrations', arguments: { environment: 'default' } });
    assert(list.structuredContent.integrations.length > 0);
  } else {
    const result = await client.callTool({ name: 'list_connections', arguments: { environment: 'default' } });
    assert.equal(result.isError, true);
    assert.equal(result.structuredContent, undefined);
    assert.match(result.content[0].text, /set NANGO_SECRET_KEY/);
  }
} finally {
  await client.close();
}
