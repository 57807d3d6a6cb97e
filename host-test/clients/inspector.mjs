// One request with the Inspector: inspector.mjs legacy|modern list|ok URL|COMMAND [ARGUMENT...]
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

const [era, exchange, ...target] = process.argv.slice(2);
const session = { environment: 'default', allowed_integrations: ['github'], tags: { end_user_id: 'u1' } };
const request = {
  list: ['--method', 'tools/list'],
  ok: ['--method', 'tools/call', '--tool-name', 'create_connect_session', '--tool-args-json', JSON.stringify(session)],
}[exchange];

const flags = ['--cli', '--format', 'json', '--protocol-era', era];
const { result } = JSON.parse(execFileSync('mcp-inspector', [...flags, ...target, ...request], { encoding: 'utf8' }));

if (exchange === 'list') assert.equal(result.tools.length, Number(process.env.TOOLS));
else assert.match(result.structuredContent.connect_link, /^http/);
