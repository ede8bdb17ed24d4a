import { Fault, type Logger, silentLogger } from '@stowage/core';
import type { Admit } from '../admission.ts';
import type { CallObserver } from '../call-observer.ts';
import { compileRoutes } from '../dispatch.ts';
import { directCalls } from '../grpc/direct-calls.ts';
import { defaultLimits, type RpcLimits } from '../limits.ts';
import { OpenCalls } from '../open-calls.ts';
import type { Routes } from '../routes.ts';
import { Connections } from './connections.ts';
import { requestHandler } from './handler.ts';
import { gated, type WebGate } from './web-gate.ts';

export interface CallServerOptions {
  readonly routes: readonly Routes[];
  readonly limits?: Partial<RpcLimits> | undefined;
  readonly log?: Logger | undefined;
  readonly observer?: CallObserver | undefined;
  /** Asked before each call. */
  readonly admit?: Admit | undefined;
}

/** How busy a server is at the moment. */
export interface ServerLoad {
  readonly connections: number;
  /** Calls that are not answered yet, streams and long waits included. */
  readonly calls: number;
}

/** Answers calls on connections that others accept. */
export class CallServer {
  readonly connections: Connections;
  readonly #calls = new OpenCalls();
  #closing: Promise<void> | undefined;

  /** @param gate - stands before calls that browsers may make. */
  constructor(options: CallServerOptions, gate?: WebGate) {
    const { log = silentLogger, routes, observer, admit } = options;
    const limits = { ...defaultLimits, ...options.limits };
    const { maxMessageBytes } = limits;
    const calls = this.#calls;
    const dispatch = compileRoutes({ routes, maxMessageBytes, observer, admit });
    const answer = requestHandler({ dispatch, maxMessageBytes, log, calls });
    const take = directCalls({ methods: dispatch.direct, log, calls, observer, admit });
    this.connections = new Connections({
      handler: gate === undefined ? answer : gated(answer, gate),
      takeCall: (stream, headers) =>
        (gate === undefined || headers.origin === undefined) && take(stream, headers),
      limits,
      log,
    });
  }

  get load(): ServerLoad {
    return { connections: this.connections.size, calls: this.#calls.size };
  }

  /** @param stop - takes no further connections. Safe to call again. */
  close(stop: () => Promise<void>, graceMs = 500): Promise<void> {
    this.#closing ??= (async () => {
      await stop();
      this.#calls.abort(new Fault('unavailable', 'the server is shutting down'));
      await this.connections.close(graceMs);
    })();
    return this.#closing;
  }
}
