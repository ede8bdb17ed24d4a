import type { Transport } from '@connectrpc/connect';
import { Supervisor } from '@stowage/api/supervisor/v1';
import { type CallOptions, Fault, type Logger } from '@stowage/core';
import type { Events } from '@stowage/events';
import { dateOf, rpcClient, typedBytesOf } from '@stowage/rpc';
import { type ClosableTransport, unixTransport } from '@stowage/rpc/transport';
import { stateFromWire } from '@stowage/runtime/remote';
import { ttrpcTransport } from '@stowage/ttrpc';
import { SEQ_HEADER, type SupervisorFiles } from '../layout.ts';
import type { Holdings } from './holdings.ts';
import type { ProcessTable } from './process-table.ts';

/** Events are acknowledged together, at most this often. */
const ACK_MS = 100;
const LAST_ACK_MS = 500;
const ANSWER_MS = 5000;

export interface ConnectionOptions {
  readonly files: SupervisorFiles;
  readonly table: ProcessTable;
  readonly holdings: Holdings;
  /** Where events are passed on to. */
  readonly events: Pick<Events, 'forward'>;
  readonly log: Logger;
  /** Where an earlier connection got to: it is updated. */
  readonly position: Position;
}

/** Number of the last event that this process passed on. */
export interface Position {
  passedOn: bigint;
}

/**
 * The line to a supervisor: keeps the table current from its events, passes them on, and acknowledges what was
 * passed on. An event may be passed on twice, if this process dies in between; never not at all.
 */
export class SupervisorConnection implements AsyncDisposable {
  readonly #options: ConnectionOptions;
  readonly #transport: ClosableTransport;
  /** For short calls: costs a quarter. It has no flow control, so that streams go the other way. */
  readonly #calls: ClosableTransport;
  readonly #rpc;
  readonly #stop = new AbortController();
  #relay: Promise<void> = Promise.resolve();
  #acked = 0n;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#transport = unixTransport(options.files.sock);
    this.#calls = ttrpcTransport({ path: options.files.ttrpc, canCancel: true });
    this.#rpc = rpcClient(Supervisor, this.#transport);
  }

  /** Settles once the table holds all there is. */
  static async open(options: ConnectionOptions): Promise<SupervisorConnection> {
    const connection = new SupervisorConnection(options);
    const { holdings, table, files } = options;
    try {
      await holdings.handOver(files.handover, () => connection.#settle());
      const { seq, processes } = await connection.#list();
      // Somebody removed the state directory, and counting began anew.
      if (seq < options.position.passedOn) options.position.passedOn = 0n;
      const states = processes.flatMap(({ namespace, state }) =>
        state === undefined ? [] : [{ namespace, state: stateFromWire(state) }],
      );
      table.reset(Number(seq), states);
      holdings.receive();
      holdings.prune(table);
      connection.#relay = connection.#passOn();
      connection.#relay.catch(() => {});
      return connection;
    } catch (e) {
      await connection.#close();
      throw e;
    }
  }

  #list() {
    return this.#answer((signal) => this.#rpc.list({}, { signal }));
  }

  /** Has the supervisor take what is in its socket. */
  async #settle(): Promise<void> {
    await this.#answer((signal) => this.#rpc.info({}, { signal }));
  }

  async #answer<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const patience = AbortSignal.timeout(ANSWER_MS);
    try {
      return await ask(patience);
    } catch (e) {
      if (!patience.aborted) throw e;
      const { sock } = this.#options.files;
      throw new Fault(
        'unavailable',
        `the supervisor at ${sock} is there and does not answer; is it stopped?`,
      );
    }
  }

  /** Rejects when the line is lost; resolves when it is disposed. */
  get closed(): Promise<void> {
    return this.#relay;
  }

  /**
   * For calls to the tasks. A call settles only when the table includes what it did, so that whoever has its answer
   * finds it there.
   */
  get transport(): Transport {
    const { unary, stream } = this.#calls;
    const gone = this.#relay.catch(() => {});
    return {
      stream,
      unary: async (...args) => {
        const response = await unary(...args);
        const seq = Number(response.header.get(SEQ_HEADER) ?? 0);
        await Promise.race([this.#options.table.reached(seq), gone]);
        return response;
      },
    };
  }

  async stop(killTasks: boolean, options: CallOptions = {}): Promise<void> {
    await this.#rpc.stop({ killTasks }, options);
  }

  async #passOn(): Promise<void> {
    const { table, holdings, events, log, position } = this.#options;
    const { signal } = this.#stop;
    try {
      for await (const { seq, envelope } of this.#rpc.events({ afterSeq: position.passedOn }, { signal })) {
        const event = typedBytesOf(envelope?.event);
        if (envelope === undefined || event === undefined) continue;
        const { namespace, topic } = envelope;
        const change = table.apply(Number(seq), { namespace, topic, event });
        if (change !== undefined) holdings.follow(namespace, change, table);
        const timestamp = dateOf(envelope.timestamp) ?? new Date();
        await events.forward({ timestamp, namespace, topic, event }).catch((err: unknown) => {
          log.error({ err, namespace, topic }, 'passing on an event failed');
        });
        position.passedOn = seq;
        this.#timer ??= setTimeout(() => void this.#ack(), ACK_MS);
      }
      throw new Fault('unavailable', 'the supervisor ended its events');
    } catch (e) {
      if (!signal.aborted) throw e;
    } finally {
      clearTimeout(this.#timer);
    }
  }

  async #ack(signal?: AbortSignal): Promise<void> {
    this.#timer = undefined;
    const seq = this.#options.position.passedOn;
    if (seq <= this.#acked) return;
    try {
      await this.#rpc.ack({ seq }, { signal });
      this.#acked = seq;
    } catch (err) {
      this.#options.log.debug({ err }, 'acknowledging events failed; they will come again');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#relay.catch(() => {});
    await this.#ack(AbortSignal.timeout(LAST_ACK_MS));
    await this.#close();
  }

  async #close(): Promise<void> {
    await Promise.all([this.#calls[Symbol.asyncDispose](), this.#transport[Symbol.asyncDispose]()]);
  }
}
