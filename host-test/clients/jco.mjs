// Requests to the component under `jco serve`, and what comes back: jco.mjs URL NANGO-URL
import assert from 'node:assert/strict';

const [url, nango] = process.argv.slice(2);
const clientInfo = { name: 'jco.mjs', version: '1' };
const session = { environment: 'default', allowed_integrations: ['github'], tags: { end_user_id: 'u1' } };

let asked = 0;
// One request in the stateless revision, or in the one before it, where a request may come without a handshake.
async function ask(revision, method, params = {}) {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': revision };
  if (revision === '2026-07-28') {
    const prefix = 'io.modelcontextprotocol';
    const _meta = { [`${prefix}/protocolVersion`]: revision, [`${prefix}/clientInfo`]: clientInfo, [`${prefix}/clientCapabilities`]: {} };
    params = { ...params, _meta };
    headers['mcp-method'] = method;
    if (params.name) headers['mcp-name'] = params.name;
  }
  asked += 1;
  const id = asked;
  const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
  const begun = performance.now();
  const response = await fetch(`${url}/mcp`, { method: 'POST', headers, body, signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  const took = Math.round(performance.now() - begun);
  assert.equal(response.status, 200, text);
  assert.equal(response.headers.get('content-type'), 'application/json');
  const answer = JSON.parse(text);
  assert.equal(answer.id, id);
  assert(answer.result, text);
  assert.equal(answer.result.resultType, revision === '2026-07-28' ? 'complete' : undefined);
  return { result: answer.result, bytes: text.length, took };
}

function say(...lines) {
  console.log(lines.join('\n'));
}

// A link that was made is one that Nango knows: it opens the session whose token the link carries.
async function check(result) {
  const { connect_link: link, tags, allowed_integrations: allowed, next } = result.structuredContent ?? {};
  assert.equal(result.isError, false, JSON.stringify(result));
  assert.deepEqual([tags, allowed, next?.tool], [session.tags, session.allowed_integrations, 'wait_for_connection']);
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  const opened = new URL(link);
  assert.equal(opened.origin, nango);
  assert.equal(opened.searchParams.get('apiURL'), nango);
  const token = opened.searchParams.get('session_token');
  const response = await fetch(`${nango}/connect/session`, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(10_000) });
  assert.equal(response.status, 200);
  assert.deepEqual((await response.json()).data.allowed_integrations, session.allowed_integrations);
  return link.replace(token, `${token.slice(0, 26)}…`);
}

const health = await fetch(`${url}/health`, { signal: AbortSignal.timeout(30_000) });
const healthy = await health.text();
assert.equal(health.status, 200, healthy);
say('> GET /health', `< ${health.status} ${healthy}`);

for (const revision of ['2026-07-28', '2025-11-25']) {
  const listed = await ask(revision, 'tools/list');
  const { tools } = listed.result;
  assert.equal(tools.length, Number(process.env.TOOLS));
  assert(tools.some((tool) => tool.name === 'create_connect_session' && tool.inputSchema.type === 'object' && tool.outputSchema));
  say(`> POST /mcp ${revision} tools/list`, `< 200 ${tools.length} tools, ${listed.bytes} bytes, ${listed.took} ms`);

  const called = await ask(revision, 'tools/call', { name: 'create_connect_session', arguments: session });
  const link = await check(called.result);
  say(`> POST /mcp ${revision} tools/call create_connect_session ${JSON.stringify(session)}`, `< 200 ${link} ${called.took} ms`);
  say(`> GET ${nango}/connect/session with that link's token`, `< 200 ${JSON.stringify(session.allowed_integrations)}`);
}

// One instance for many requests, which no other host does, must not wear out.
const call = () => ask('2026-07-28', 'tools/call', { name: 'list_integrations', arguments: { environment: 'default' } });
const begun = performance.now();
for (let n = 0; n < 20; n += 1) assert((await call()).result.structuredContent.integrations.length > 0);
const inARow = Math.round(performance.now() - begun);
const atOnce = await Promise.all(Array.from({ length: 20 }, call));
assert(atOnce.every(({ result }) => result.structuredContent.integrations.length > 0));
say(`> 20 calls of list_integrations in a row, then 20 at once`, `< 200 all of them, the first 20 in ${inARow} ms`);
