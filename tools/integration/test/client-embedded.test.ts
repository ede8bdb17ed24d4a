import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { Embedded } from '@stowage/embedded';
import { clientCases } from '../client-cases/bind.ts';
import { shared } from '../client-cases/shared.ts';
import { withTempDir } from '../suite.ts';

let stowage: Embedded | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await stowage?.[Symbol.asyncDispose]();
});

const suite = withTempDir('client-embedded');
beforeAll(async () => {
  const place = { root: join(suite.dir, 'root'), state: join(suite.dir, 'state') };
  stowage = await Embedded.open(place);
}, 30_000);

clientCases(
  shared(suite, {
    name: 'embedded',
    lacks: new Set(['plugins']),
    client(namespace) {
      if (stowage === undefined) throw new Error('the engine is not open yet');
      return stowage.client(namespace);
    },
  }),
);
