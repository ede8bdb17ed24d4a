import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Fault, validateIdentifier } from '@stowage/core';
import type { Routes } from '@stowage/rpc';
import { type ServeTtrpcOptions, serveTtrpc, type TtrpcServer } from '@stowage/ttrpc';

export interface NamespaceServersOptions extends Omit<ServeTtrpcOptions, 'path' | 'routes'> {
  readonly directory: string;
  /** What is served to calls that name no namespace, as of this one. */
  readonly routesIn: (namespace: string) => readonly Routes[];
}

/**
 * A socket for each namespace that is asked for. containerd 1.6 names no namespace in its calls to a shim, which is told
 * its own when it is started; so here the address tells.
 */
export class NamespaceServers implements AsyncDisposable {
  readonly #options: NamespaceServersOptions;
  readonly #servers = new Map<string, Promise<TtrpcServer>>();
  readonly #open: TtrpcServer[] = [];
  #isClosed = false;

  constructor(options: NamespaceServersOptions) {
    this.#options = options;
  }

  /** Gives the address. */
  async open(namespace: string): Promise<string> {
    validateIdentifier(namespace, 'namespace');
    if (this.#isClosed) throw new Fault('unavailable', 'the supervisor is ending');
    const known = this.#servers.get(namespace);
    const server = known ?? this.#serve(namespace);
    this.#servers.set(namespace, server);
    try {
      return `unix://${(await server).address.path}`;
    } catch (e) {
      this.#servers.delete(namespace);
      throw e;
    }
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#open.reduce((sum, server) => sum + server.connections, 0);
  }

  async #serve(namespace: string): Promise<TtrpcServer> {
    const { directory, routesIn, ...options } = this.#options;
    // The name of a namespace may be longer than what is left of a socket's path.
    const name = createHash('sha256').update(namespace).digest('hex').slice(0, 12);
    const path = join(directory, `ns-${name}`);
    const server = await serveTtrpc({ ...options, path, routes: routesIn(namespace) });
    this.#open.push(server);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#servers.values());
    await Promise.all(this.#open.map((server) => server.close()));
  }
}
