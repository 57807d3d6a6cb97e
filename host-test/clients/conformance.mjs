// What a run of the conformance suite came to: conformance.mjs ENDPOINT REVISION RESULTS EXPECTED-FAILURES STATUS
// The suite judges by itself (STATUS is what it exited with) but takes an expected failure that no longer exists for granted,
// and knows nothing of reasons. Both are asked for here.
import { existsSync, readFileSync, readdirSync } from 'node:fs';

const [endpoint, revision, results, expectedFile, status] = process.argv.slice(2);

// Checks that no revision's set requires yet, and that concern this server as they are.
const alsoRequired = { '2026-07-28': ['http-header-validation'], '2025-11-25': [] }[revision];

const set = readFileSync(`node_modules/@modelcontextprotocol/conformance/requirements/${revision}.yaml`, 'utf8');
const [, servers] = set.match(/^server:\n((?:  - .*\n)+)/m);
const required = [...servers.matchAll(/^  - (\S+)/gm)].map(([, scenario]) => scenario).concat(alsoRequired);

const bad = [];
const expected = new Set();
for (const line of readFileSync(expectedFile, 'utf8').split('\n').filter((line) => /^\s*-/.test(line))) {
  const [, entry, reason] = line.match(/^  - (\S+)(?: # (.+))?$/) ?? [, line];
  if (!reason) bad.push(`${entry} stands without a reason in ${expectedFile}`);
  expected.add(entry);
}

const folders = readdirSync(results);
let scenarios = 0;
let passed = 0;
const failed = new Map();
for (const scenario of required) {
  const folder = folders.find((name) => name.replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '') === `server-${scenario}`);
  const file = `${results}/${folder}/checks.json`;
  if (!folder || !existsSync(file)) {
    bad.push(`${scenario} has no result`);
    continue;
  }
  const checks = JSON.parse(readFileSync(file, 'utf8'));
  // A warning is what a server should do and does not.
  const failures = checks.filter((check) => check.status === 'FAILURE' || check.status === 'WARNING');
  for (const check of failures) failed.set(`${scenario}:${check.id}`, check.errorMessage ?? check.description);
  passed += checks.filter((check) => check.status === 'SUCCESS').length;
  scenarios += failures.length ? 0 : 1;
}

for (const [check, message] of failed) if (!expected.has(check)) bad.push(`${check}: ${message}`);
for (const entry of expected) if (!failed.has(entry)) bad.push(`${entry} does not fail: take it out of ${expectedFile}`);
if (status !== '0' && !bad.length) bad.push(`the suite exited with ${status}`);

const known = [...failed.keys()].filter((check) => expected.has(check)).length;
console.log(
  `conformance ${endpoint} ${revision}: ${scenarios} of ${required.length} scenarios passed whole, ${passed} checks passed, ` +
    `${known} expected failures, ${failed.size - known} unexpected`,
);
for (const line of bad) console.log(`    FAIL - ${line}`);
process.exit(bad.length ? 1 : 0);
