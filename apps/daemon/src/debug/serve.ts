import { createServer } from 'node:http';
import { DisposalStack, type Logger, reasonOf } from '@stowage/core';
import { listenUnix } from '@stowage/rpc/unix-socket';
import type { DebugConfig } from '../config/daemon-config.ts';
import { type DebugHandler, type Exchange, refuse } from './exchange.ts';
import { sendHeapSnapshot } from './heap.ts';
import type { LevelSwitch } from './level-switch.ts';
import { logLevel } from './log-level.ts';
import { sendProfile } from './profile.ts';
import { type Load, variables } from './variables.ts';

export interface DebugOptions {
  readonly config: DebugConfig & { readonly address: string };
  readonly level: LevelSwitch;
  readonly load: Load;
  readonly log: Logger;
}

const HELP = `GET /debug/vars            memory, event loop, what is open
GET /debug/heap            a heap snapshot for Chrome's developer tools; the daemon stands still while it is taken
GET /debug/cpu?seconds=5   a CPU profile for them
GET /debug/log-level       how much is logged
PUT /debug/log-level       trace, debug, info, warn, error or fatal: logs so much from now on
`;

/**
 * Lets root look into the daemon, by a unix socket of its own. Everything but a heap snapshot leaves others their turn.
 *
 * @throws Fault as `listenUnix`.
 */
export async function serveDebug({ config, level, load, log }: DebugOptions): Promise<AsyncDisposable> {
  await using held = new DisposalStack();
  const vars = held.use(variables(load));
  const handlers: Readonly<Record<string, DebugHandler>> = {
    'GET /': async ({ res }) => void res.end(HELP),
    'GET /debug': async ({ res }) => void res.end(HELP),
    'GET /debug/vars': vars.send,
    'GET /debug/heap': alone('heap snapshot', sendHeapSnapshot),
    'GET /debug/cpu': alone('CPU profile', sendProfile),
    ...logLevel(level),
  };
  const server = createServer((req, res) => {
    const url = new URL(`http://localhost${req.url ?? '/'}`);
    const path = url.pathname.replace(/(.)\/$/, '$1');
    const left = new AbortController();
    res.once('close', () => left.abort());
    const handle = handlers[`${req.method} ${path}`] ?? notThere;
    handle({ req, res, query: url.searchParams, signal: left.signal }).catch((err: unknown) => {
      if (left.signal.aborted) return;
      log.warn({ err, path }, 'answering on the debug socket failed');
      if (res.headersSent) res.destroy();
      else refuse(res, 500, reasonOf(err));
    });
  });
  const { address: path, uid, gid } = config;
  const listener = await listenUnix(server, { path, uid, gid, mode: 0o600 });
  server.on('error', (err) => log.error({ err }, 'accepting a connection on the debug socket failed'));
  held.defer(async () => {
    await listener.close();
    server.closeAllConnections();
  });
  log.info({ address: path }, 'the debug socket is open');
  return held.move();
}

const notThere: DebugHandler = async ({ res }) =>
  refuse(res, 404, `there is nothing here; there are:\n${HELP}`);

/** One at a time: two would tell of each other. */
function alone(what: string, handle: DebugHandler): DebugHandler {
  let isBusy = false;
  return async (exchange: Exchange) => {
    if (isBusy) return refuse(exchange.res, 409, `a ${what} is being taken`);
    isBusy = true;
    try {
      await handle(exchange);
    } finally {
      isBusy = false;
    }
  };
}
