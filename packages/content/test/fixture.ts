import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { Content, WriteContentRequestSchema } from '@stowage/api/content/v1';
import { contentRoutes } from '@stowage/content/service';
import { LocalContentStore } from '@stowage/content-store';
import { listen } from '@stowage/rpc/server';
import { memoryTransport, unixTransport } from '@stowage/rpc/transport';

export type WriteInit = MessageInitShape<typeof WriteContentRequestSchema>;

/** A local store, and a client that speaks content.v1 to it as foreign clients do. */
export async function served({ socket = false } = {}) {
  const dir = await mkdtemp(path.join(tmpdir(), 'content-'));
  const stack = new AsyncDisposableStack();
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const store = stack.use(await LocalContentStore.open(path.join(dir, 'store')));
  const routes = contentRoutes(() => store);
  let transport = memoryTransport(routes);
  if (socket) {
    const address = { path: path.join(dir, 's') };
    stack.use(await listen({ address, routes: [routes] }));
    transport = stack.use(unixTransport(address.path));
  }
  const rpc = createClient(Content, transport);
  return { dir, store, rpc, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}

/** A Write stream of which each message awaits its response. */
export function writeStream(rpc: Awaited<ReturnType<typeof served>>['rpc']) {
  const stop = new AbortController();
  const queue: Array<WriteInit | undefined> = [];
  let wake = () => {};
  async function* requests() {
    for (;;) {
      while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      const next = queue.shift();
      if (next === undefined) return;
      yield create(WriteContentRequestSchema, next);
    }
  }
  const responses = rpc.write(requests(), { signal: stop.signal })[Symbol.asyncIterator]();
  const push = (request: WriteInit | undefined) => {
    queue.push(request);
    wake();
  };
  return {
    async send(request: WriteInit) {
      push(request);
      const { value, done } = await responses.next();
      if (done) throw new Error('the stream ended without a response');
      return value;
    },
    /** Half-closes and waits for the end. */
    async end() {
      push(undefined);
      while (!(await responses.next()).done);
    },
    /** Breaks the call off. */
    kill() {
      stop.abort();
    },
  };
}

export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 5000; ; ) {
    try {
      return await attempt();
    } catch (e) {
      if (Date.now() > deadline) throw e;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
