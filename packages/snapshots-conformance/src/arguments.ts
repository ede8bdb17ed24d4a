import { parseArgs } from 'node:util';
import { type Chosen, chosenOf, KIT_OPTIONS, orWrong, socketOf, wrong } from '@stowage/conformance/command';
import type { Labels } from '@stowage/core';
import { cases } from './cases/index.ts';
import { type Capability, type Case, capabilities, type RemoteSnapshot } from './subject.ts';

/** What the command was asked for. */
export interface Arguments extends Chosen<Case> {
  readonly socket: string;
  readonly snapshotter: string;
  readonly namespace: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly remote: RemoteSnapshot | undefined;
}

export const HELP = `Usage: snapshots-conformance [options] <socket>

Puts a snapshotter at a unix socket to the test: one of a daemon's, or a proxy plugin, in any language, that serves
snapshots.v1. Each case has a new namespace and works there under a lease, if the server has leases; what it leaves is
removed. A server that takes no notice of namespaces, as a proxy plugin does, must be empty.

  <socket>                 path of the socket, or unix://PATH
  --snapshotter <name>     the snapshotter that is asked for: of a proxy plugin, any name that it knows
  --namespace <name>       what the names of the namespaces begin with (default: snapshots-conformance)
  --with <capability>      what it does (may be repeated):
                             mounts     its mounts can be made here; needs Linux and root
                             own-usage  usage counts only what a snapshot adds to its parent
                             rebase     a parent can be given at commit
                             targets    a committed snapshot is told from containerd.io/snapshot.ref, as daemons do
  --without <capability>   what it does not do: reopen (finds its snapshots again after the connection ended)
  --remote <chain id>      a snapshot that a remote snapshotter has, with
    --parent <name>        the committed snapshot that it is based on (default: none)
    --label <key=value>    a label that it takes to be found (may be repeated)
  --differs <id>           a case that is known to fail; if it passes, it counts as failed (may be repeated)
  --only <text>            run the cases whose ids begin like this
  --timeout <seconds>      how long a case may take (default: 60)
  --list                   show the ids of the cases, and what they need
  --help                   show this

Exit code: 0 if no case failed, 1 if one did, 2 if none could be run.

Examples:
  snapshots-conformance /run/stowage/stowage.sock --snapshotter overlayfs --with mounts --with own-usage --with targets
  snapshots-conformance unix:///run/my-snapshotter.sock --snapshotter mine
`;

/** What is claimed unless it is said otherwise. */
const CLAIMED: readonly Capability[] = ['reopen'];

/** What can be claimed by name alone. */
const BY_NAME = capabilities.filter((one) => !CLAIMED.includes(one) && one !== 'remote');

/** `help` and `list` where those are asked for. @throws Fault `invalid_argument`, naming what is wrong. */
export function parseArguments(args: readonly string[]): Arguments | 'help' | 'list' {
  const { values, positionals } = parsed(args);
  if (values.help) return 'help';
  if (values.list) return 'list';
  const socket = socketOf(positionals);
  const { snapshotter, namespace } = values;
  if (snapshotter === '') throw wrong('--snapshotter is missing: the name of the snapshotter');
  const chosen = chosenOf(values, cases);
  const remote = remoteOf(values);
  const claimed = claimedBy(values.with, values.without);
  if (remote !== undefined) claimed.add('remote');
  return { socket, snapshotter, namespace, capabilities: claimed, remote, ...chosen };
}

function claimedBy(does: readonly string[], doesNot: readonly string[]): Set<Capability> {
  const claimed = new Set(CLAIMED);
  for (const name of doesNot) {
    const known = CLAIMED.find((one) => one === name);
    if (known === undefined) throw wrong(`--without ${name}: must be ${CLAIMED.join(', ')}`);
    claimed.delete(known);
  }
  for (const name of does) {
    const known = BY_NAME.find((one) => one === name);
    if (known === undefined) throw wrong(`--with ${name}: must be one of ${BY_NAME.join(', ')}`);
    claimed.add(known);
  }
  return claimed;
}

function remoteOf(values: {
  readonly remote: string;
  readonly parent: string;
  readonly label: readonly string[];
}): RemoteSnapshot | undefined {
  const { remote: target, parent } = values;
  if (target === '') {
    if (parent !== '' || values.label.length > 0) throw wrong('--parent and --label go with --remote');
    return undefined;
  }
  const labels: Record<string, string> = {};
  for (const text of values.label) {
    const at = text.indexOf('=');
    if (at < 1) throw wrong(`--label ${text}: must be key=value`);
    labels[text.slice(0, at)] = text.slice(at + 1);
  }
  return { target, parent, labels: labels satisfies Labels };
}

function parsed(args: readonly string[]) {
  const options = {
    ...KIT_OPTIONS,
    snapshotter: { type: 'string', default: '' },
    namespace: { type: 'string', default: 'snapshots-conformance' },
    remote: { type: 'string', default: '' },
    parent: { type: 'string', default: '' },
    label: { type: 'string', multiple: true, default: [] as string[] },
    list: { type: 'boolean', default: false },
  } as const;
  return orWrong(() => parseArgs({ args: [...args], allowPositionals: true, options }));
}
