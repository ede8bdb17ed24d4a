import { parseArgs } from 'node:util';
import { type Chosen, chosenOf, KIT_OPTIONS, orWrong, socketOf, wrong } from '@stowage/conformance/command';
import { cases } from './cases/index.ts';
import type { Capability, Case } from './subject.ts';

/** What the command was asked for. */
export interface Arguments extends Chosen<Case> {
  readonly socket: string;
  readonly namespace: string;
  readonly capabilities: ReadonlySet<Capability>;
}

export const HELP = `Usage: content-conformance [options] <socket>

Puts a content store at a unix socket to the test: a daemon, or a plugin that serves content.v1. Each case has a new
namespace and works there under a lease; what it leaves is deleted. A server that takes no notice of namespaces must be
empty.

  <socket>                 path of the socket, or unix://PATH
  --namespace <name>       what the names of the namespaces begin with (default: content-conformance)
  --without <capability>   what the store does not do: labels, reopen, namespaces (may be repeated)
  --with <capability>      what it does besides: shares (blobs of other namespaces need not be sent)
  --differs <id>           a case that is known to fail; if it passes, it counts as failed (may be repeated)
  --only <text>            run the cases whose ids begin like this
  --timeout <seconds>      how long a case may take (default: 60)
  --help                   show this

Exit code: 0 if no case failed, 1 if one did, 2 if none could be run.

Examples:
  content-conformance /run/stowage/stowage.sock
  content-conformance unix:///run/my-content.sock --without labels --without namespaces
`;

/** What a daemon does unless it is said otherwise. */
const CLAIMED: readonly string[] = ['labels', 'reopen', 'namespaces'];

/** Undefined where help is asked for. @throws Fault `invalid_argument`, naming what is wrong. */
export function parseArguments(args: readonly string[]): Arguments | undefined {
  const { values, positionals } = parsed(args);
  if (values.help) return undefined;
  const socket = socketOf(positionals);
  const capabilities = new Set(CLAIMED as readonly Capability[]);
  for (const name of values.without) {
    if (!CLAIMED.includes(name)) throw wrong(`--without ${name}: must be one of ${CLAIMED.join(', ')}`);
    capabilities.delete(name as Capability);
  }
  for (const name of values.with) {
    if (name !== 'shares') throw wrong(`--with ${name}: must be shares`);
    capabilities.add(name);
  }
  return { socket, namespace: values.namespace, capabilities, ...chosenOf(values, cases) };
}

function parsed(args: readonly string[]) {
  const namespace = { type: 'string', default: 'content-conformance' } as const;
  const options = { ...KIT_OPTIONS, namespace };
  return orWrong(() => parseArgs({ args: [...args], allowPositionals: true, options }));
}
