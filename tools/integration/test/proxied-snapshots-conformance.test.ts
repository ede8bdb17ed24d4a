import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Mounter } from '@stowage/linux/mounter';
import type { Snapshotter } from '@stowage/snapshots';
import { serveSnapshotter } from '@stowage/snapshots/serve';
import { cases, report } from '@stowage/snapshots-conformance';
import { connectSocket, daemonSubject } from '@stowage/snapshots-conformance/daemon';
import { NativeSnapshotter } from '@stowage/snapshotter-native';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';
import { type Program, startContainerd } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

// The kit on our snapshotters as clients of Debian's containerd see them: through its metadata, and a proxy of it.

const suite = withTempDir('proxied-kit');
const open = { overlay: OverlaySnapshotter.open, native: NativeSnapshotter.open } as const;
const NAMES = ['overlay', 'native'] as const;

/** What containerd 1.6 makes of them on the way. */
const DIFFERS: ReadonlyMap<string, RegExp> = new Map([
  // It knows no parent at commit, and drops it.
  ['commit/onto-another-parent-is-refused-without-rebase', /expected a failure, but the call succeeded/],
  // What its metadata refuses reaches the client without a code of its own.
  ['list/by-a-malformed-filter-is-invalid-argument', /got unknown: filters: parse error/],
  ['keys/must-not-be-empty', /got unknown: key required/],
]);

const stack = new AsyncDisposableStack();
let containerd: (Program & { readonly address: string }) | undefined;
const mounter = stack.use(new Mounter());

beforeAll(async () => {
  const proxies: string[] = [];
  for (const name of NAMES) {
    const socket = join(suite.dir, `${name}.sock`);
    const snapshotter: Snapshotter = stack.use(await open[name](join(suite.dir, name)));
    const server = await serveSnapshotter(snapshotter, { socket, name: `stowage-${name}` });
    stack.defer(() => server.close());
    proxies.push(`[proxy_plugins.stowage-${name}]\ntype = "snapshot"\naddress = "${socket}"`);
  }
  containerd = await startContainerd(join(suite.dir, 'containerd'), proxies);
}, 60_000);

// Before the census.
suite.before(async () => {
  await containerd?.[Symbol.asyncDispose]();
  await stack.disposeAsync();
});

describe.each(NAMES)('%s, through containerd', (name) => {
  const subject = daemonSubject({
    name,
    capabilities: new Set(['mounts', 'reopen', 'targets']),
    connect: () => connectSocket(containerd?.address ?? '', `stowage-${name}`),
    mount: mounter.withMount.bind(mounter),
  });
  test.each(cases.map((one) => [one.id, one] as const))(
    '%s',
    async (id, one) => {
      const [outcome] = await Array.fromAsync(report(subject, [one], { differs: new Set(DIFFERS.keys()) }));
      const expected = DIFFERS.get(id);
      if (expected === undefined) expect(outcome).not.toMatchObject({ how: 'failed' });
      else expect(outcome).toMatchObject({ how: 'differs', reason: expect.stringMatching(expected) });
    },
    120_000,
  );
});
