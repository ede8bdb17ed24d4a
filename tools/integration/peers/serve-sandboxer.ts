import { ShimRuntime } from '@stowage/runtime-shim';
import { serveSandboxController } from '@stowage/sandboxes/serve';

// node serve-sandboxer.ts <socket> <folder> <name>: a sandbox controller in a process of its own, over shims of its own.

const [socket = '', folder = '', name = ''] = process.argv.slice(2);
// Tasks tell the shim, and the shim tells whom it was started by: nobody here passes that on.
const events = { forward: async () => {} };
await using shims = await ShimRuntime.open({ state: `${folder}/shims`, events });
await using sandboxes = await shims.openSandboxes(`${folder}/sandboxes`);
const server = await serveSandboxController(sandboxes.controller, { socket, name });
process.once('SIGTERM', () => void server.close());
process.stdout.write('ready\n');
await server.closed;
