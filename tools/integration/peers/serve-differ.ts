import { remoteContent } from '@stowage/content/remote';
import { serveDiff } from '@stowage/diff/serve';
import { Packer, Unpacker, walkingDiffer } from '@stowage/diff/walking';
import { unixTransport } from '@stowage/rpc/transport';

// node serve-differ.ts <socket> <folder> <daemon's socket>: a differ in a process of its own, over the content of a daemon.

const [socket = '', folder = '', daemon = ''] = process.argv.slice(2);
await using transport = unixTransport(daemon);
await using packer = await Packer.open({ directory: `${folder}/views` });
await using unpacker = await Unpacker.open({ jail: `${folder}/jail` });
const server = await serveDiff(
  (scope) => walkingDiffer(remoteContent(transport, scope), unpacker, { packer }),
  { socket },
);
process.once('SIGTERM', () => void server.close());
process.stdout.write('ready\n');
await server.closed;
