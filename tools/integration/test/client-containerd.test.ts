import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { type Program, startContainerd } from '@stowage/testing';
import { clientAt, clientCases } from '../client-cases/bind.ts';
import { shared } from '../client-cases/shared.ts';
import { withTempDir } from '../suite.ts';

let containerd: (Program & { readonly address: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await containerd?.[Symbol.asyncDispose]();
});

const suite = withTempDir('client-containerd');
beforeAll(async () => {
  containerd = await startContainerd(join(suite.dir, 'containerd'));
}, 30_000);

clientCases(
  shared(suite, {
    name: 'containerd',
    // Debian's is 1.6.
    lacks: new Set(['sandboxes', 'transfers', 'mounts', 'stowage', 'plugins']),
    client: (namespace) => clientAt(containerd?.address ?? '', namespace),
  }),
);
