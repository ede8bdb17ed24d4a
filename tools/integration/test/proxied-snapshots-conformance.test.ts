import { join } from 'node:path';
import { beforeAll, describe } from '@jest/globals';
import { Mounter } from '@stowage/linux/mounter';
import type { Snapshotter } from '@stowage/snapshots';
import { serveSnapshotter } from '@stowage/snapshots/serve';
import { connectSocket, daemonSubject } from '@stowage/snapshots-conformance/daemon';
import { NativeSnapshotter } from '@stowage/snapshotter-native';
import { OverlaySnapshotter } from '@stowage/snapshotter-overlay';
import { type Program, startContainerd } from '@stowage/testing';
import { CONTAINERD_DIFFERS, kitWithDifferences } from '../kit-with-differences.ts';
import { withTempDir } from '../suite.ts';

// The kit on our snapshotters as clients of Debian's containerd see them: through its metadata, and a proxy of it.

const suite = withTempDir('proxied-kit');
const open = { overlay: OverlaySnapshotter.open, native: NativeSnapshotter.open } as const;
const NAMES = ['overlay', 'native'] as const;

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
  kitWithDifferences(subject, new Map(CONTAINERD_DIFFERS));
});
