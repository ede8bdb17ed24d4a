import type { Admit } from '../admission.ts';
import { CallServer, type CallServerOptions, type ServerLoad } from './call-server.ts';
import type { WebGate } from './web-gate.ts';

/** What somebody at the other end may call. */
export interface PeerRule {
  /** Those of whom the same is true have the same. */
  readonly key: string;
  readonly admit: Admit;
}

/** Servers of the same routes, one for each rule, and one for those of whom there is none. */
export class ServersByPeer {
  readonly #options: CallServerOptions;
  readonly #gate: WebGate | undefined;
  readonly #servers = new Map<string | undefined, CallServer>();
  #closing: Promise<void> | undefined;

  constructor(options: CallServerOptions, gate?: WebGate) {
    this.#options = options;
    this.#gate = gate;
  }

  of(rule: PeerRule | undefined): CallServer {
    const known = this.#servers.get(rule?.key);
    if (known !== undefined) return known;
    const server = new CallServer(
      { ...this.#options, admit: rule?.admit ?? this.#options.admit },
      this.#gate,
    );
    this.#servers.set(rule?.key, server);
    return server;
  }

  get load(): ServerLoad {
    const loads = [...this.#servers.values()].map((server) => server.load);
    const sum = (of: (load: ServerLoad) => number) => loads.reduce((total, load) => total + of(load), 0);
    return { connections: sum(({ connections }) => connections), calls: sum(({ calls }) => calls) };
  }

  /** @param stop - takes no further connections. Safe to call again. */
  close(stop: () => Promise<void>, graceMs?: number): Promise<void> {
    this.#closing ??= (async () => {
      await stop();
      await Promise.all([...this.#servers.values()].map((server) => server.close(async () => {}, graceMs)));
    })();
    return this.#closing;
  }
}
