import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { Supervisor } from '@stowage/api/supervisor/v1';
import { abortable, type CallOptions, Fault } from '@stowage/core';
import { dateOf, rpcClient, typedBytesOf } from '@stowage/rpc';
import { type ClosableTransport, unixTransport } from '@stowage/rpc/transport';
import { stateFromWire } from '@stowage/runtime/remote';
import { ttrpcTransport } from '@stowage/ttrpc';
import { SEQ_HEADER, type SupervisorFiles } from '../layout.ts';
import type { Holdings } from './holdings.ts';
import type { Relay } from './relay.ts';

/** Events are acknowledged together, at most this often. */
const ACK_MS = 100;
const LAST_ACK_MS = 500;
const ANSWER_MS = 5000;

export interface ConnectionOptions {
  readonly files: SupervisorFiles;
  readonly relay: Relay;
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
  /** Aborted when no more events come. */
  readonly #over = new AbortController();
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
    try {
      options.relay.options.source.restart();
      await connection.#handOver();
      await connection.refresh();
      connection.#relay = connection.#passOn();
      connection.#relay.catch(() => {});
      return connection;
    } catch (e) {
      await connection.#close();
      throw e;
    }
  }

  /** Has the table hold all that the supervisor has. */
  async refresh(): Promise<void> {
    const { relay } = this.#options;
    const { table, source, holdings } = relay.options;
    for (let current = false; !current; ) {
      const { seq, processes } = await this.#answer((signal) => this.#rpc.list({}, { signal }));
      // Somebody removed the state directory, and counting began anew.
      if (source.seq === 0 && seq < relay.passedOn) relay.passedOn = 0n;
      const states = processes.flatMap(({ namespace, state }) =>
        state === undefined ? [] : [{ namespace, state: stateFromWire(state) }],
      );
      current = table.reset(source, Number(seq), states);
    }
    holdings.receive();
    holdings.prune(table);
  }

  /**
   * Has the supervisor go on with the tasks of another one, which is dead.
   *
   * @param held - what is held for that one; it is given away.
   */
  async takeOver(owner: string, held: Holdings): Promise<void> {
    await this.#rpc.takeOver({ owner });
    await this.#handOver(held);
    await this.refresh();
  }

  async #handOver(more?: Holdings): Promise<void> {
    const { files, relay } = this.#options;
    await relay.options.holdings.handOver(files.handover, () => this.#settle(), more);
    if (more !== undefined) await this.#settle();
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
    const { source } = this.#options.relay.options;
    return {
      stream,
      unary: async (...args) => {
        const [, signal] = args;
        const response = await unary(...args).catch((e: unknown) => {
          throw signal?.aborted ? e : lost(e);
        });
        const seq = Number(response.header.get(SEQ_HEADER) ?? 0);
        // Once the line is lost nothing more is told.
        await abortable(source.reached(seq), this.#over.signal).catch(() => {});
        return response;
      },
    };
  }

  async stop(killTasks: boolean, options: CallOptions = {}): Promise<void> {
    await this.#rpc.stop({ killTasks }, options);
  }

  async #passOn(): Promise<void> {
    const { relay } = this.#options;
    const { signal } = this.#stop;
    try {
      for await (const { seq, envelope } of this.#rpc.events({ afterSeq: relay.passedOn }, { signal })) {
        const event = typedBytesOf(envelope?.event);
        if (envelope === undefined || event === undefined) continue;
        const { namespace, topic } = envelope;
        await relay.tell(seq, {
          timestamp: dateOf(envelope.timestamp) ?? new Date(),
          namespace,
          topic,
          event,
        });
        this.#timer ??= setTimeout(() => void this.#ack(), ACK_MS);
      }
      throw new Fault('unavailable', 'the supervisor ended its events');
    } catch (e) {
      if (!signal.aborted) throw e;
    } finally {
      clearTimeout(this.#timer);
      this.#over.abort();
    }
  }

  async #ack(signal?: AbortSignal): Promise<void> {
    this.#timer = undefined;
    const seq = this.#options.relay.passedOn;
    if (seq <= this.#acked) return;
    try {
      await this.#rpc.ack({ seq }, { signal });
      this.#acked = seq;
    } catch (err) {
      this.#options.relay.options.log.debug({ err }, 'acknowledging events failed; they will come again');
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

/** A line that is lost is closed, and its calls end as canceled; but nobody who asked has left. */
function lost(e: unknown): unknown {
  if (!(e instanceof ConnectError) || e.code !== Code.Canceled) return e;
  return new ConnectError(
    `the supervisor was lost: ${e.rawMessage}`,
    Code.Unavailable,
    undefined,
    undefined,
    e,
  );
}
