import type { IncomingMessage, ServerResponse } from 'node:http';
import { totalmem } from 'node:os';
import { Code, ConnectError } from '@connectrpc/connect';
import { codeToHttpStatus, errorToJson } from '@connectrpc/connect/protocol-connect';
import { type Client, resourceUsage } from '@stowage/client';
import { type CallOptions, Fault, type Logger, type Scope, type Scoped } from '@stowage/core';
import { scopeOf, toConnect } from '@stowage/rpc';
import type { ContainerActions } from './actions.ts';

export interface HostCallsOptions {
  readonly client: Scoped<Client>;
  readonly containers: Scoped<ContainerActions>;
  /** What the page shows first. */
  readonly namespace: string;
  readonly log: Logger;
}

type Call = (scope: Scope, input: HostInput, options: CallOptions) => Promise<object>;

interface HostInput {
  readonly id: string;
  readonly force: boolean;
}

const MOST_BYTES = 64 * 1024;

/**
 * Calls that no service of the daemon answers, in the form of Connect's: POST of JSON to `/host/<Name>`, the namespace in
 * the header `containerd-namespace`, and errors with code and message.
 */
export class HostCalls {
  readonly #options: HostCallsOptions;
  readonly #calls: Readonly<Record<string, Call>>;

  constructor(options: HostCallsOptions) {
    this.#options = options;
    const { client, containers, namespace } = options;
    this.#calls = {
      About: async (scope, _, call) => ({
        namespace,
        ...(await client(scope).services.version.version(call)),
      }),
      Usage: (scope, _, call) => usage(client(scope), call),
      Start: (scope, { id }, call) => containers(scope).start(id, call).then(nothing),
      Stop: (scope, { id }, call) => containers(scope).stop(id, call).then(nothing),
      Remove: (scope, { id, force }, call) =>
        containers(scope)
          .remove(id, { ...call, force })
          .then(nothing),
    };
  }

  /** Never throws. */
  async answer(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = new AbortController();
    response.once('close', () => left.abort());
    try {
      const call = Object.hasOwn(this.#calls, name) ? this.#calls[name] : undefined;
      if (call === undefined) throw new Fault('unimplemented', `unknown call ${name}`);
      const scope = scopeOf({ requestHeader: new Headers(namespaceOf(request)) });
      const input = await readInput(request);
      send(response, 200, await call(scope, input, { signal: left.signal }));
    } catch (e) {
      if (left.signal.aborted) return;
      const error = toConnect(e);
      const isKnown = error instanceof ConnectError;
      if (!isKnown) this.#options.log.error({ err: e, call: name }, 'a call of the page failed');
      const told = isKnown ? error : new ConnectError('internal error', Code.Internal);
      send(response, codeToHttpStatus(told.code), errorToJson(told, undefined) as object);
    }
  }
}

const nothing = () => ({});

function namespaceOf({ headers }: IncomingMessage): Record<string, string> {
  const namespace = headers['containerd-namespace'];
  return typeof namespace === 'string' ? { 'containerd-namespace': namespace } : {};
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
}

async function readInput(request: IncomingMessage): Promise<HostInput> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\b/.test(type))
    throw new Fault('invalid_argument', 'the body must be application/json');
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MOST_BYTES) throw new Fault('resource_exhausted', 'the body is too long');
  }
  try {
    const { id = '', force = false } = JSON.parse(text) as Record<string, unknown>;
    return { id: String(id), force: force === true };
  } catch (cause) {
    throw new Fault('invalid_argument', 'the body is no JSON object', { cause });
  }
}

/** What all containers use now, as far as their runtimes count in control groups. What the machine has bounds everybody. */
async function usage(client: Client, options: CallOptions): Promise<object> {
  const machine = BigInt(totalmem());
  const found: object[] = [];
  for await (const metric of client.services.tasks.metrics([], options)) {
    try {
      const { at, memoryLimitBytes: limit = machine, ...more } = resourceUsage(metric);
      found.push({
        id: metric.id,
        atMs: at.getTime(),
        ...more,
        memoryLimitBytes: limit < machine ? limit : machine,
      });
    } catch (e) {
      if (!Fault.is(e, 'unimplemented')) throw e;
    }
  }
  return { usage: found };
}
