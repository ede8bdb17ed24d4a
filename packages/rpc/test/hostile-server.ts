// The server of hostile.test.ts: a process of its own, so that a crash is seen and its memory can be measured.
import { setTimeout as delay } from 'node:timers/promises';
import { Events } from '@stowage/api/events/v1';
import { Version } from '@stowage/api/version/v1';
import { serviceRoutes } from '@stowage/rpc';
import { listen } from '@stowage/rpc/server';

let made = 0;
const server = await listen({
  address: { path: process.argv[2] ?? '' },
  routes: [
    serviceRoutes(Version, { version: () => ({ version: String(made) }) }),
    serviceRoutes(Events, {
      async *subscribe(_, { signal }) {
        for (;;) {
          if (signal.aborted) return;
          made++;
          yield { topic: '/x'.repeat(32 * 1024) };
          await delay(0);
        }
      },
    }),
  ],
});
process.on('SIGTERM', () => void server.close());
process.stdout.write('ready\n');
