// What an agent and a person live through, by the tools and by the page.
import assert from 'node:assert/strict';

const GITHUB = { provider_config_key: 'github', end_user_id: 'ada', end_user_email: 'ada@example.com', organization_id: 'engines' };
const TOLD = { status: true, connection_id: true, waited_seconds: true, connect_link: true, reason: true };

const short = (value) => JSON.stringify(Object.fromEntries(Object.entries(value).filter(([name]) => TOLD[name])));

// wait_for_connection as `next` of the answer says it, under way; and how to see that it still is.
function wait({ server, tell }, asked) {
  assert.equal(asked.next.tool, 'wait_for_connection');
  tell(`agent   wait_for_connection ${JSON.stringify(asked.next.arguments)} ...`);
  const call = { returned: false };
  call.done = server.call('wait_for_connection', asked.next.arguments).finally(() => (call.returned = true));
  call.done.catch(() => {}); // Whoever fails first ends the run; this is looked at after the click.
  return call;
}

// Click, and the answer of the call that waited for it. It asks Nango every second.
async function click({ tell }, page, name, waiting) {
  assert(!waiting.returned, 'it returned before the click');
  const at = performance.now();
  await page.getByRole('button', { name }).click();
  const [waited] = await Promise.all([waiting.done, page.getByRole('status').waitFor()]);
  const later = performance.now() - at;
  tell(`person  clicked "${await page.title()}": ${await page.getByRole('status').innerText()}`);
  tell(`agent   ... wait_for_connection returned ${Math.round(later)} ms after the click: ${short(waited)}`);
  assert.equal(waited.status, 'connected');
  assert(later < 5000, 'the wait should see the click within a second or so');
  return waited;
}

async function proxy({ server, tell }, id) {
  const call = { provider_config_key: 'github', connection_id: id, method: 'GET', path: '/say', query: { text: 'hello' } };
  const answer = await server.call('proxy_request', call);
  tell(`agent   proxy_request GET /say as that account: ${answer.status} ${JSON.stringify(answer.response)}`);
  assert.deepEqual([answer.status, answer.response], [200, { said: 'hello' }]);
}

async function open({ person, tell }, link, options) {
  const page = await person.window(options);
  const answer = await page.goto(link);
  assert.equal(answer.status(), 200);
  await person.look(page, new URL(link).searchParams.get('session_token'));
  tell(`person  opened ${link}: "${await page.locator('h1').innerText()}"`);
  return page;
}

// No connection yet: ensure, link, click, wait returns, proxy call. Gives the connection.
export async function conversation(world) {
  const { server, tell, person } = world;
  tell('--- "connect my GitHub"');
  const asked = await server.call('ensure_connection', GITHUB);
  tell(`agent   ensure_connection github, ada: ${short(asked)}`);
  assert.equal(asked.status, 'connect_required');
  const waiting = wait(world, asked);
  const page = await open(world, asked.connect_link);
  await person.picture(page, 'start');
  const waited = await click(world, page, /^Connect \(/, waiting);
  await person.look(page, new URL(asked.connect_link).searchParams.get('session_token'));
  assert.equal(await page.locator('h1').innerText(), 'Done');
  await person.picture(page, 'done');
  await proxy(world, waited.connection_id);
  const again = await server.call('ensure_connection', GITHUB);
  tell(`agent   ensure_connection once more: ${short(again)}`);
  assert.deepEqual([again.status, again.connection_id], ['connected', waited.connection_id]);
  await page.context().close();
  return waited.connection_id;
}

// The connection breaks: ensure sees it, a first try fails, a second repairs; id and tags are what they were.
export async function repair(world, id) {
  const { server, tell, api, person } = world;
  const named = { provider_config_key: 'github', connection_id: id };
  tell('--- "my GitHub stopped working"');
  const before = await server.call('get_connection', named);
  await api('POST', '/_demo/break', named);
  tell(`world   the provider takes the access of ${id} back`);
  const asked = await server.call('ensure_connection', GITHUB);
  tell(`agent   ensure_connection github, ada: ${short(asked)}`);
  assert.deepEqual([asked.status, asked.connection_id], ['reconnect_required', id]);
  const waiting = wait(world, asked);
  const page = await open(world, asked.connect_link);
  await page.getByRole('button', { name: /^Let it fail \(/ }).click();
  const status = page.getByRole('status');
  tell(`person  let it fail: ${await status.innerText()}`);
  assert.match(await status.innerText(), /said no.*You can try again\.$/);
  await person.look(page, new URL(asked.connect_link).searchParams.get('session_token'));
  await person.picture(page, 'failed');
  const waited = await click(world, page, /^Connect \(/, waiting);
  assert.equal(waited.connection_id, id);
  const after = await server.call('get_connection', named);
  tell(`agent   get_connection: errors ${JSON.stringify(after.errors)}, tags ${JSON.stringify(after.tags)}`);
  assert.deepEqual([after.errors, after.tags], [[], before.tags]);
  await proxy(world, id);
  await page.context().close();
}
