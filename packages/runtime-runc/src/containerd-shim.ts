import { fstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Bootstrap, encodeAnswer, parseBootstrap } from './shim/bootstrap.ts';
import { findTasks } from './shim/find.ts';
import { parseFlags, type ShimFlags } from './shim/flags.ts';
import { shimState } from './shim/place.ts';

// What containerd runs, once for each container: it loads nothing but what that takes. What is seldom done is in
// shim-main, and loaded then.

const HELP = `containerd-shim-stowage-v1: the shim of Stowage, for containerd to run.

  ctr run --runtime io.containerd.stowage.v1 IMAGE ID

One supervisor process has all containers of a containerd; it is started with the first.

Commands, in a bundle's directory:
  start    print the address of the supervisor, and start it if need be
  delete   end and remove what is left of a container
Flags: -namespace NAME -id ID -address SOCKET -bundle DIR -v -info -h

Environment:
  TTRPC_ADDRESS                   containerd's socket for events
  STOWAGE_SHIM_STATE              where state is kept (/run/stowage-shim)
  STOWAGE_SHIM_IDLE_SECONDS       how long a supervisor without containers stays (300)
`;

type More = typeof import('./shim-main.ts');

/** It lies beside this file, bundled or not. */
function more(): Promise<More> {
  const entry = process.argv[1] ?? '';
  const name = entry.endsWith('.ts') ? 'shim-main.ts' : 'shim-main.js';
  return import(pathToFileURL(join(dirname(entry), name)).href);
}

async function main(): Promise<void> {
  const flags = parseFlags(process.argv.slice(2));
  if (flags.help) return say(HELP);
  if (flags.version) return say(await (await more()).shimVersion());
  if (flags.info) return say(await (await more()).shimInfo());
  switch (flags.command) {
    case 'start':
      return start(flags);
    case 'delete':
      return remove(flags);
    default:
      throw new Error(`command ${JSON.stringify(flags.command)}: there are start and delete (-h shows more)`);
  }
}

async function start(flags: ShimFlags): Promise<void> {
  const bootstrap = parseBootstrap(input());
  const containerd = containerdOf(flags, bootstrap);
  const state = shimState(containerd, process.env);
  const namespace = bootstrap?.namespace || flags.namespace;
  const address =
    (await findTasks(state, namespace)) ??
    (await (await more()).startSupervisor({ state, namespace, containerd }));
  // Where containerd finds it when it is started again.
  writeFileSync('.address', address, { mode: 0o600 });
  renameSync('.address', 'address');
  const takesJson = Number(process.env.MAX_SHIM_VERSION ?? 0) >= 3;
  say(encodeAnswer(bootstrap !== undefined ? 'protobuf' : takesJson ? 'json' : 'address', address));
}

async function remove(flags: ShimFlags): Promise<void> {
  const { namespace, id } = flags;
  if (namespace === '' || id === '') throw new Error('delete: -namespace and -id are required');
  const bundle = flags.bundle || process.cwd();
  const state = shimState(containerdOf(flags), process.env);
  say(await (await more()).removeTask({ state, namespace, id, bundle }));
}

function containerdOf(flags: ShimFlags, bootstrap?: Bootstrap): string {
  const told = bootstrap?.containerd || process.env.TTRPC_ADDRESS;
  if (told) return told;
  if (flags.address === '') throw new Error('TTRPC_ADDRESS: is not set; containerd sets it');
  return `${flags.address}.ttrpc`;
}

/** Nothing of a person's terminal. */
function input(): Uint8Array {
  return fstatSync(0).isCharacterDevice() ? new Uint8Array() : readFileSync(0);
}

function say(answer: string | Uint8Array): void {
  process.stdout.write(answer);
}

main().then(
  // Threads of what was loaded may be at work; there is nothing left to do.
  () => process.stdout.write('', () => process.exit(0)),
  (e: unknown) => {
    const name = basename(process.argv[1] ?? '').replace(/\.\w+$/, '');
    process.stderr.write(`${name}: ${(e as Error).message}\n`, () => process.exit(1));
  },
);
