// The component as a library of JavaScript: what `jco transpile` makes of it, called by its interface nango:mcp/tools, with
// the variables of this process: jco-tools.mjs MODULE
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';

const { NANGO_BASE_URL: nango, TOOLS } = process.env;
const begun = performance.now();
const { tools } = await import(pathToFileURL(process.argv[2]));
const loaded = Math.round(performance.now() - begun);

function say(...lines) {
  console.log(lines.join('\n'));
}

function call(name, given) {
  const begun = performance.now();
  const outcome = tools.callTool({ name, arguments: JSON.stringify(given), client: {}, answers: [] });
  assert.equal(outcome.tag, 'done');
  const { content, structured, isError } = outcome.val;
  return { sentence: content[0].val, structured: structured && JSON.parse(structured), isError, took: Math.round(performance.now() - begun) };
}

const info = tools.info();
say(`> import, then tools.info()`, `< ${info.name} ${info.version}, in ${loaded} ms`);

const listed = tools.listTools();
assert.equal(listed.length, Number(TOOLS));
for (const tool of listed) assert.equal(JSON.parse(tool.inputSchema).type, 'object', tool.name);
const { annotations } = listed.find((tool) => tool.name === 'create_connect_session');
assert.deepEqual(annotations, { readOnly: false, destructive: false, idempotent: false, openWorld: true });
say('> tools.listTools()', `< ${listed.length} tools`);

const session = { environment: 'default', allowed_integrations: ['github'], tags: { end_user_id: 'u1' } };
const made = call('create_connect_session', session);
assert.equal(made.isError, false, made.sentence);
assert.deepEqual(made.structured.tags, session.tags);
const link = new URL(made.structured.connect_link);
const token = link.searchParams.get('session_token');
say(`> tools.callTool create_connect_session ${JSON.stringify(session)}`, `< ${link.href.replace(token, `${token.slice(0, 26)}…`)} ${made.took} ms`);
// A link that was made is one that Nango knows.
const response = await fetch(`${nango}/connect/session`, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(10_000) });
assert.equal(response.status, 200);
assert.deepEqual((await response.json()).data.allowed_integrations, session.allowed_integrations);
say(`> GET ${nango}/connect/session with that link's token`, `< 200 ${JSON.stringify(session.allowed_integrations)}`);

const none = call('get_connection', { environment: 'default', connection_id: 'none', provider_config_key: 'github' });
assert.equal(none.isError, true);
assert.equal(none.structured, undefined);
say('> tools.callTool get_connection {"connection_id":"none", …}', `< failed: ${none.sentence}`);

// What is an `err` in WIT is thrown.
assert.throws(() => call('list_connection', {}), (error) => {
  say('> tools.callTool list_connection {}', `< thrown: ${JSON.stringify(error.payload)}`);
  return error.payload.tag === 'unknown-tool' && error.payload.val.includes('did you mean list_connections?');
});
