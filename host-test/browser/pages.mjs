// The page by itself: several integrations, the keyboard, links that do not work, a phone, hostile names, accessibility.
import assert from 'node:assert/strict';

const PERSON = { id: 'ada', display_name: 'Ada Lovelace', email: 'ada@example.com' };
const ORGANIZATION = { id: 'engines', display_name: 'Analytical Engines' };
const HOSTILE = `"><img src=x onerror=alert(1)></h2><script>alert(2)</script>\u202e`;

export async function pages(world) {
  const { person, api, tell, base } = world;
  tell('--- the page by itself');
  const session = async (allowed_integrations, who = { end_user: PERSON, organization: ORGANIZATION }) =>
    (await api('POST', '/connect/sessions', { allowed_integrations, ...who })).data;
  const token = (link) => new URL(link).searchParams.get('session_token');
  const inspect = async (link, what) => {
    for (const colorScheme of ['light', 'dark']) {
      const rules = await person.inspect(link, { colorScheme });
      tell(`axe     ${what}, ${colorScheme}: ${rules} rules passed, none failed`);
    }
  };

  const { connect_link: several } = await session(['github', 'slack', 'hubspot'], { tags: { end_user_id: 'ada' } });
  await inspect(several, 'several integrations');
  const page = await person.window({ width: 600, colorScheme: 'dark' });
  await page.goto(several);
  // By the keyboard alone: Tab to the first button, Enter; what came of it has the focus.
  await page.keyboard.press('Tab');
  assert.match(await page.locator(':focus').innerText(), /^Connect/);
  await page.keyboard.press('Enter');
  const status = page.getByRole('status');
  await status.waitFor();
  assert.equal(await page.locator(':focus').getAttribute('role'), 'status');
  await person.look(page, token(several));
  await person.picture(page, 'several-dark');
  await page.getByRole('button', { name: /^Let it fail \(Slack/ }).click();
  await page.getByText('Slack said no.').waitFor();
  await page.getByRole('button', { name: /^Connect \(HubSpot/ }).click();
  await page.getByText('is connected. Connect another').waitFor();
  await page.reload();
  const { connections } = await api('GET', '/connections?tags[end_user_id]=ada');
  assert.deepEqual(connections.map((row) => row.provider_config_key).slice(0, 2), ['hubspot', 'github'], 'a reload repeats nothing');
  tell('person  connected two of three by keyboard and mouse; a reload repeated nothing');
  await inspect(several, 'two of three connected');
  await page.context().close();

  const one = await session(['hubspot']);
  await api('POST', `/connect/complete?session_token=${one.token}`);
  await inspect(one.connect_link, 'done');

  const { connect_link: cancelled } = await session(['slack']);
  const stale = await person.window();
  await stale.goto(cancelled);
  await api('DELETE', '/connect/session', undefined, token(cancelled));
  await stale.getByRole('button', { name: /^Connect \(/ }).click();
  await stale.getByRole('heading', { name: 'This link does not work' }).waitFor();
  assert.equal((await stale.reload()).status(), 404);
  await person.picture(stale, 'expired');
  tell(`person  pressed a button of a cancelled link: "${await stale.locator('h1').innerText()}"`);
  await inspect(`${base}/?session_token=${token(cancelled)}`, 'a link that does not work');
  await stale.context().close();

  const phone = await person.window({ width: 375, height: 667 });
  const { connect_link: small } = await session(['github', 'airtable-pat']);
  await phone.goto(small);
  await person.look(phone, token(small));
  await person.picture(phone, 'phone');
  await phone.context().close();
  await inspect(small, 'two integrations');

  // What a caller of the API may call things: text, never markup, and never wider than the phone.
  const name = HOSTILE + 'x'.repeat(255 - HOSTILE.length);
  await api('PATCH', '/integrations/zendesk', { display_name: name });
  const { connect_link: hostile } = await session(['zendesk', 'slack'], { end_user: { id: name, display_name: name }, organization: { id: name } });
  const victim = await person.window({ width: 375, height: 667, javaScriptEnabled: true });
  await victim.goto(hostile);
  assert.equal(await victim.locator('h2').first().textContent(), name);
  await person.look(victim, token(hostile));
  await victim.getByRole('button', { name: /^Let it fail \(/ }).first().click();
  assert.equal(await victim.locator('[role=status] bdi').textContent(), name);
  await person.look(victim, token(hostile));
  assert.equal(await victim.locator('script, img').count(), 0);
  tell('person  saw names made of markup as text, on a phone too');
  await inspect(hostile, 'names made of markup');
  await victim.context().close();
}
