// One exchange with an official TypeScript SDK:
//   typescript.mjs sdk|client legacy|modern ok|failing URL|COMMAND [ARGUMENT...]
// `sdk` is the package of 1.x, which speaks the legacy era only; `client` that of 2.x.
// Tools are listed first: from then on the SDK checks every result against the tool's outputSchema.
import assert from 'node:assert/strict';

const [sdk, era, exchange, target, ...args] = process.argv.slice(2);
const from = (path) => import(`@modelcontextprotocol/${path}`);
const parts = sdk === 'sdk'
  ? await Promise.all(['index', 'stdio', 'streamableHttp'].map((part) => from(`sdk/client/${part}.js`)))
  : await Promise.all([from('client'), from('client/stdio')]);
const { Client, StdioClientTransport, StreamableHTTPClientTransport } = Object.assign({}, ...parts);

const mode = era === 'modern' ? { pin: '2026-07-28' } : 'legacy';
const client = new Client({ name: 'clients', version: '1' }, { versionNegotiation: { mode } });
await client.connect(target.startsWith('http:')
  ? new StreamableHTTPClientTransport(new URL(target))
  : new StdioClientTransport({ command: target, args }));
try {
  if (sdk === 'client') assert.equal(client.getProtocolEra(), era);
  const { tools } = await client.listTools();
  assert.equal(tools.length, Number(process.env.TOOLS));
  assert(tools.every((tool) => tool.outputSchema));

  if (exchange === 'ok') {
    const session = await client.callTool({
      name: 'create_connect_session',
      arguments: { environment: 'default', allowed_integrations: ['github'], tags: { end_user_id: 'u1' } },
    });
    assert.match(session.structuredContent.connect_link, /^http/);
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
