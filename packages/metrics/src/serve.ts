import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { Fault, type Logger, reasonOf } from '@stowage/core';
import { listenUnix } from '@stowage/rpc/unix-socket';
import { isLoopback, isOfThisMachine, type MetricsAddress } from './address.ts';
import type { Figures } from './metrics.ts';

/** Where Prometheus looks unless told, and where containerd has them. */
const PATHS: ReadonlySet<string> = new Set(['/metrics', '/v1/metrics']);
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Scrapes at a time; more are turned away. */
const MOST = 8;
const NOT_OURS = [403, 'figures are for this machine alone: ask for an address, not for a name'] as const;
/** For a client that takes nothing of what it asked for. */
const IDLE_MS = 30_000;

export interface MetricsServer extends AsyncDisposable {
  /** Where it listens, as text. */
  readonly address: string;
}

/**
 * Answers GET with the figures. A scrape that is left is given up.
 *
 * @throws Fault `unavailable` if the address can't be listened on.
 */
export async function serveMetrics(
  address: MetricsAddress,
  figures: Figures,
  log: Logger,
): Promise<MetricsServer> {
  let open = 0;
  const isOurs = 'host' in address && isLoopback(address.host) ? isOfThisMachine : () => true;
  const server = createServer((req, res) => {
    const refusal = isOurs(req.headers.host) ? refusalOf(req, open) : NOT_OURS;
    if (refusal !== undefined) {
      const [status, why] = refusal;
      res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${why}\n`);
      return;
    }
    open += 1;
    answer(req, res, figures)
      .catch((err: unknown) => {
        if (!res.destroyed) log.error({ err }, 'answering with metrics failed');
        res.destroy();
      })
      .finally(() => {
        open -= 1;
      });
  });
  server.requestTimeout = IDLE_MS;
  server.setTimeout(IDLE_MS, (socket) => socket.destroy());
  const listening = 'path' in address ? await onSocket() : await onPort(address);
  server.on('error', (err) => log.error({ err }, 'accepting a connection for metrics failed'));

  async function onSocket() {
    const listener = await listenUnix(server, address as { readonly path: string });
    return { address: listener.path, close: listener.close };
  }
  async function onPort({ host, port }: { readonly host: string; readonly port: number }) {
    server.listen({ host, port, exclusive: true });
    try {
      await once(server, 'listening');
    } catch (e) {
      throw new Fault('unavailable', `listen for metrics on ${host}:${port}: ${reasonOf(e)}`, { cause: e });
    }
    const { address: at, port: taken, family } = server.address() as AddressInfo;
    const close = async () => void server.close();
    return { address: family === 'IPv6' ? `[${at}]:${taken}` : `${at}:${taken}`, close };
  }
  return {
    address: listening.address,
    async [Symbol.asyncDispose]() {
      await listening.close();
      server.closeAllConnections();
    },
  };
}

function refusalOf(
  { url = '', method }: IncomingMessage,
  open: number,
): readonly [number, string] | undefined {
  if (!PATHS.has(url.split('?', 1)[0] ?? '')) return [404, 'there is /metrics and nothing else'];
  if (method !== 'GET' && method !== 'HEAD') return [405, 'only GET is answered'];
  if (open >= MOST) return [503, `${MOST} scrapes are under way`];
  return undefined;
}

async function answer(req: IncomingMessage, res: ServerResponse, figures: Figures): Promise<void> {
  const left = new AbortController();
  res.once('close', () => left.abort(new Fault('canceled', 'the scrape was left')));
  res.setHeader('content-type', CONTENT_TYPE);
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  try {
    for await (const piece of figures.text(left.signal)) {
      if (!res.write(piece)) await once(res, 'drain', { signal: left.signal });
      else await turn();
    }
    res.end();
  } catch (e) {
    if (!left.signal.aborted) throw e;
  }
}
