import { parseArgs } from 'node:util';
import { Fault, quote, reasonOf } from '@stowage/core';
import { cases } from './cases/index.ts';
import type { Capability, Case } from './subject.ts';

/** What the command was asked for. */
export interface Arguments {
  readonly socket: string;
  readonly namespace: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly differs: ReadonlySet<string>;
  readonly cases: readonly Case[];
  readonly timeoutMs: number;
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
  const [socket, ...more] = positionals;
  if (socket === undefined) throw wrong('a socket is missing');
  if (more.length > 0) throw wrong(`${quote(more[0] ?? '')} is one argument too many`);

  const capabilities = new Set(CLAIMED as readonly Capability[]);
  for (const name of values.without) {
    if (!CLAIMED.includes(name)) throw wrong(`--without ${name}: must be one of ${CLAIMED.join(', ')}`);
    capabilities.delete(name as Capability);
  }
  for (const name of values.with) {
    if (name !== 'shares') throw wrong(`--with ${name}: must be shares`);
    capabilities.add(name);
  }
  for (const id of values.differs) {
    if (!cases.some((one) => one.id === id)) throw wrong(`--differs ${id}: there is no such case`);
  }
  const chosen = cases.filter(({ id }) => id.startsWith(values.only));
  if (chosen.length === 0) throw wrong(`--only ${values.only}: no case begins like this`);
  const timeoutMs = Number(values.timeout) * 1000;
  if (!(timeoutMs > 0)) throw wrong(`--timeout ${values.timeout}: must be a number of seconds`);
  const { namespace } = values;
  return { socket, namespace, capabilities, differs: new Set(values.differs), cases: chosen, timeoutMs };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        namespace: { type: 'string', default: 'content-conformance' },
        with: { type: 'string', multiple: true, default: [] },
        without: { type: 'string', multiple: true, default: [] },
        differs: { type: 'string', multiple: true, default: [] },
        only: { type: 'string', default: '' },
        timeout: { type: 'string', default: '60' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (e) {
    throw wrong(reasonOf(e));
  }
}

function wrong(reason: string): Fault {
  return new Fault('invalid_argument', `${reason} (--help shows what there is)`);
}
