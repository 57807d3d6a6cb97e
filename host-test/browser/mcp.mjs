// MCP on stdio, as far as a conversation needs it: nango-mcp-host started as a client starts it, and its tools called.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export class Server {
  #child;
  #waiting = new Map();
  #id = 0;

  constructor(command, args) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const message = JSON.parse(line);
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    });
  }

  async start() {
    const clientInfo = { name: 'browser', version: '1' };
    const hello = await this.ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
    this.#send({ method: 'notifications/initialized' });
    return hello;
  }

  async ask(method, params) {
    const id = (this.#id += 1);
    const answered = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.#send({ id, method, params });
    const { result, error } = await answered;
    assert.equal(error, undefined, `${method}: ${error?.message}`);
    return result;
  }

  // The structured result of a tool, which must be no error.
  async call(name, args) {
    const { structuredContent, isError, content } = await this.ask('tools/call', {
      name,
      arguments: { environment: 'default', ...args },
    });
    assert(!isError, `${name}: ${content?.[0]?.text}`);
    return structuredContent;
  }

  async stop() {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }

  #send(message) {
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }
}
