// One request with the Inspector: inspector.mjs legacy|modern list|ok URL|COMMAND [ARGUMENT...]
// TOOLS is how many tools there are, TOKEN is sent as a bearer token, and DEMO says whether the server marks results of the
// embedded Nango, which the host does when it is told to use it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

const { TOOLS, TOKEN, DEMO } = process.env;
const [era, exchange, ...target] = process.argv.slice(2);
const session = { environment: 'default', allowed_integrations: ['github'], tags: { end_user_id: 'u1' } };
const request = {
  list: ['--method', 'tools/list'],
  ok: ['--method', 'tools/call', '--tool-name', 'create_connect_session', '--tool-args-json', JSON.stringify(session)],
}[exchange];

const flags = ['--cli', '--format', 'json', '--protocol-era', era];
const header = TOKEN ? ['--header', `Authorization: Bearer ${TOKEN}`] : [];
const { result } = JSON.parse(execFileSync('mcp-inspector', [...flags, ...target, ...header, ...request], { encoding: 'utf8' }));

if (exchange === 'list') assert.equal(result.tools.length, Number(TOOLS));
else {
  assert.match(result.structuredContent.connect_link, /^http/);
  assert.equal(result._meta?.demo, DEMO ? true : undefined);
}
