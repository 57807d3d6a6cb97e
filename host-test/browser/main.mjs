// From "please connect" to "done" with a person at a real browser: main.mjs HOST COMPONENT
// NANGO_BASE_URL and NANGO_SECRET_KEY are those of an embedded Nango, CHROMIUM is the browser, PICTURES a folder or nothing.
// One line for each step. Tokens are told by their first characters.
import { conversation, repair } from './conversation.mjs';
import { Server } from './mcp.mjs';
import { Person } from './person.mjs';
import { pages } from './pages.mjs';

const [host, component] = process.argv.slice(2);
const { NANGO_BASE_URL: base, NANGO_SECRET_KEY: key, PICTURES: pictures } = process.env;
const begun = performance.now();

const tell = (line) => {
  const seconds = ((performance.now() - begun) / 1000).toFixed(2).padStart(6);
  console.log(`${seconds}  ${line.replace(/(nango_connect_session_\w{4})\w{60}/g, '$1…')}`);
};

// Nango's API, for what no tool does.
const api = async (method, path, body, bearer = key) => {
  const headers = { authorization: `Bearer ${bearer}`, ...(body && { 'content-type': 'application/json' }) };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(15_000) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
};

const server = new Server(host, ['stdio', '--component', component]);
const person = await Person.start(base, pictures);
try {
  const hello = await server.start();
  tell(`${hello.serverInfo.name} ${hello.serverInfo.version} on stdio, MCP ${hello.protocolVersion}; Chromium ${person.version()}`);
  // The catalogue's own name has its auth mode in it.
  await api('PATCH', '/integrations/github', { display_name: 'GitHub' });
  const world = { server, person, tell, api, base };
  const connected = await conversation(world);
  await repair(world, connected);
  await pages(world);
  tell('ok: the whole conversation, and every page');
} finally {
  await Promise.allSettled([person.stop(), server.stop()]);
}
