// A person with a browser: every page they see is held to what all pages promise.
import assert from 'node:assert/strict';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export class Person {
  #browser;
  #origin;
  #pictures;

  static async start(origin, pictures) {
    const person = new Person();
    person.#origin = origin;
    person.#pictures = pictures;
    // Chromium's sandbox does not run as root.
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    person.#browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args, timeout: 60_000 });
    return person;
  }

  version() {
    return this.#browser.version();
  }

  stop() {
    return this.#browser.close();
  }

  // A window of its own: nothing is remembered from the one before. Without JavaScript unless asked for.
  async window({ width = 640, height = 360, colorScheme = 'light', javaScriptEnabled = false } = {}) {
    const context = await this.#browser.newContext({ viewport: { width, height }, colorScheme, javaScriptEnabled, deviceScaleFactor: 1 });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    const strays = [];
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== this.#origin) strays.push(request.url());
      if (request.headers().referer) strays.push(`a referrer to ${request.url()}`);
    });
    page.on('console', (message) => strays.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => strays.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => strays.push(`dialog: ${dialog.message()}`));
    page.on('popup', () => strays.push('a popup'));
    return Object.assign(page, { strays });
  }

  // What every page promises: no token in it, nothing loaded from elsewhere, nothing that runs, nothing wider than it.
  async look(page, token) {
    const html = await page.content();
    assert(!token || !html.includes(token), 'the token stands in the page');
    assert.deepEqual(page.strays, []);
    assert.equal(await page.locator('h1').count(), 1);
    assert.match(await page.locator('header').innerText(), /embedded Nango of nango-mcp/);
    const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert(content <= view, `${content} px in a window of ${view} px`);
  }

  // axe-core's verdict on a page as it stands, with its contrasts.
  async inspect(url, options = {}) {
    const page = await this.window({ ...options, javaScriptEnabled: true });
    await page.goto(url);
    await page.evaluate(axe.source);
    const { violations, passes } = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: 'tag', values } }), WCAG);
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
    assert.deepEqual(told, [], url.replace(/_session_\w+/, '_session_…'));
    assert(passes.some(({ id }) => id === 'color-contrast'));
    await page.context().close();
    return passes.length;
  }

  async picture(page, name) {
    if (!this.#pictures) return;
    await page.evaluate(() => document.activeElement?.blur());
    await page.screenshot({ path: `${this.#pictures}/${name}.png`, fullPage: true });
  }
}
