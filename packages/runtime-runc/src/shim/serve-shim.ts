import { rename, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { Shim } from '@stowage/api/supervisor/v1';
import type { Logger } from '@stowage/core';
import { socketPeerCredentials } from '@stowage/linux/sockets';
import { type Routes, serviceRoutes } from '@stowage/rpc';
import { serveTtrpc } from '@stowage/ttrpc';
import type { SupervisorFiles } from '../layout.ts';
import type { EventLog } from '../supervisor/event-log.ts';
import type { TaskRegistry } from '../supervisor/task-registry.ts';
import { forwardEvents } from './forward-events.ts';
import { IdleWatch } from './idle.ts';
import { NamespaceServers } from './namespace-servers.ts';
import { addressFile } from './place.ts';

export interface ShimSettings {
  /** The ttrpc socket of the containerd whose containers these are. */
  readonly containerd: string;
  /** How long it stays without containers and connections. */
  readonly idleMs: number;
}

export interface ServeShimOptions extends ShimSettings {
  readonly state: string;
  readonly files: SupervisorFiles;
  /** The tasks; where a namespace is given, also of calls that name none. */
  readonly routes: (namespace?: string) => readonly Routes[];
  readonly registry: Pick<TaskRegistry, 'size'>;
  readonly events: EventLog;
  readonly log: Logger;
  /** Ends the supervisor. */
  leave(): void;
}

/** Makes a supervisor containerd's shim: serves its tasks over ttrpc, and forwards their events. */
export async function serveShim(options: ServeShimOptions): Promise<AsyncDisposable> {
  const { state, files, containerd, registry, events, log, idleMs } = options;
  const idle = new IdleWatch({
    idleMs,
    isIdle: () => registry.size === 0 && namespaces.connections === 0 && events.waiting === 0,
    onIdle() {
      log.info({}, 'no containers for a while: the supervisor ends');
      options.leave();
    },
  });
  const guard = {
    ...{ mode: 0o600, log },
    peer(socket: Socket) {
      idle.used();
      return socketPeerCredentials(socket);
    },
  };
  const { routes } = options;
  const namespaces = new NamespaceServers({ ...guard, directory: files.directory, routesIn: routes });
  const shim = serviceRoutes(Shim, {
    open: async ({ namespace }) => ({ address: await namespaces.open(namespace) }),
  });
  const server = await serveTtrpc({ ...guard, path: files.ttrpc, routes: [...routes(), shim] });
  const stop = new AbortController();
  const forwarding = forwardEvents({ events, containerd, log, signal: stop.signal }).catch((err: unknown) => {
    if (!stop.signal.aborted) log.error({ err }, 'forwarding events ended; containerd hears of nothing more');
  });
  const file = addressFile(state);
  await writeFile(`${file}.new`, `unix://${files.ttrpc}`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return {
    async [Symbol.asyncDispose]() {
      idle[Symbol.dispose]();
      await rm(file, { force: true });
      await Promise.all([server.close(), namespaces[Symbol.asyncDispose]()]);
      stop.abort();
      await forwarding;
    },
  };
}
