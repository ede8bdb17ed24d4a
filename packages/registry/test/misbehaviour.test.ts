import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Fault } from '@stowage/core';
import { blobs } from './misbehaviour/blobs.ts';
import { listings } from './misbehaviour/listings.ts';
import { manifests } from './misbehaviour/manifests.ts';
import { realms } from './misbehaviour/realms.ts';
import { redirects } from './misbehaviour/redirects.ts';
import { BASIC, type Misbehaviour, type Scene, SECRETS, setScene } from './misbehaviour/scene.ts';
import { transport } from './misbehaviour/transport.ts';
import { uploads } from './misbehaviour/uploads.ts';
import { type Certificates, certificates } from './support/certificates.ts';

const MAX_GROWTH_BYTES = 128 * 1024 * 1024;
/** Far more than any of the limits that are set for the client, for the machine may be busy. */
const MAX_MS = 15_000;

let certs: Certificates;
beforeAll(async () => {
  certs = await certificates();
});
afterAll(async () => {
  await certs?.[Symbol.asyncDispose]();
});

const secrets = [SECRETS.password, SECRETS.identityToken, SECRETS.token, BASIC, BASIC.slice(6), 'SECRET'];

function expectNoSecret(text: string): void {
  for (const secret of secrets) expect(text).not.toContain(secret);
}

/** All that could be logged of an error, causes and hidden fields included. */
function allOf(e: unknown): string {
  return inspect(e, { depth: 20, showHidden: true, maxStringLength: null });
}

async function outcome(scene: Scene, { ask }: Misbehaviour): Promise<unknown> {
  try {
    await ask(scene);
    return 'fine';
  } catch (e) {
    return e;
  }
}

/** Runs something, and tells by how much the memory of this process grew meanwhile, the servers' included. */
async function growth(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 10);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(peak, process.memoryUsage.rss()) - before;
}

const groups = { manifests, blobs, redirects, realms, transport, uploads, listings };
const all = Object.values(groups).flat();

test('each has an id of its own, and there are many', () => {
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  expect(all.length).toBeGreaterThan(60);
});

describe.each(Object.entries(groups))('%s', (_, cases) => {
  test.each(cases.map((one) => [one.id, one] as const))('%s', async (_, one) => {
    await using scene = await setScene(one, certs);
    const began = performance.now();
    let came: unknown;
    const grown = await growth(async () => {
      came = await outcome(scene, one);
    });
    const tookMs = performance.now() - began;
    if (one.kind === 'fine') expect(came).toBe('fine');
    else expect(came).toMatchObject({ name: 'Fault', kind: one.kind });
    if (Fault.is(came)) {
      expect(came.message).toMatch(/^(resolve|fetch|push|get token|delete|list|check) /);
      if (one.says !== undefined) expect(came.message).toMatch(one.says);
      expectNoSecret(allOf(came));
    }
    // The oracle itself: what came first to the registry that it is for must be seen there.
    if (one.raw === undefined && !one.isOpen && one.answer !== undefined)
      expect(scene.own.log.some(({ headers }) => headers.authorization === BASIC)).toBe(true);
    expectNoSecret(JSON.stringify(scene.other.log));
    one.check?.(scene);
    expect(tookMs).toBeLessThan(MAX_MS);
    expect(grown).toBeLessThan(MAX_GROWTH_BYTES);
  });
});
