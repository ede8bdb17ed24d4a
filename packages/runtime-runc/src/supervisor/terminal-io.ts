import { Fault } from '@stowage/core';
import { close, dup } from '@stowage/linux';
import type { Poller } from '@stowage/linux/poller';
import { ConsoleSocket, type PtyStream, ptyStream, setWindowSize } from '@stowage/linux/pty';
import type { Stdio } from '@stowage/runtime';
import { type CommandStdio, quiet } from './command.ts';
import type { ProcessIO } from './process-io.ts';
import { streamTarget } from './stream-target.ts';
import { InputFifo } from './terminal-input.ts';
import { type OutputSink, openSink } from './terminal-output.ts';

/** How long the runtime may take to send the master after it has ended. */
const RECEIVE_MS = 5000;
/** How long a delete waits for output that nobody reads. */
const FLUSH_MS = 2000;
/** Control-D, which a terminal in its usual mode takes for the end of input. */
const END_OF_INPUT = '\u0004';

/**
 * A terminal. The process has its slave; the master is here, since only its holder can resize it, and bytes are
 * copied between it and the client's FIFOs. Neither direction reads more than the other side takes.
 */
export class TerminalIO implements ProcessIO {
  readonly stdio: CommandStdio = quiet;
  readonly #console: ConsoleSocket;
  readonly #sink: OutputSink;
  readonly #input: InputFifo | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #master: number | undefined;
  #pty: PtyStream | undefined;
  #closed = false;

  private constructor(console: ConsoleSocket, sink: OutputSink, input: InputFifo | undefined) {
    this.#console = console;
    this.#sink = sink;
    this.#input = input;
  }

  /** @param socketPath - where to listen for the master; short enough for a socket. */
  static async open({ stdin, stdout }: Stdio, socketPath: string, poller: Poller): Promise<TerminalIO> {
    const [source, target] = await Promise.all([
      streamTarget('stdin', stdin),
      streamTarget('stdout', stdout),
    ]);
    if (source.kind === 'file') {
      throw new Fault('invalid_argument', `stdin ${stdin}: with a terminal it must be a FIFO`);
    }
    const sink = await openSink(target);
    try {
      const input = source.kind === 'fifo' ? new InputFifo(source.path) : undefined;
      return new TerminalIO(new ConsoleSocket(socketPath, poller), sink, input);
    } catch (e) {
      sink.close();
      throw e;
    }
  }

  get consoleSocket(): string {
    return this.#console.path;
  }

  async spawned(): Promise<void> {
    try {
      const { fd } = await this.#console.receive({ signal: AbortSignal.timeout(RECEIVE_MS) });
      this.#attach(fd);
    } finally {
      this.#console[Symbol.dispose]();
    }
  }

  #attach(master: number): void {
    if (this.#closed) {
      close(master);
      return;
    }
    this.#master = master;
    const pty = ptyStream(dup(master));
    this.#pty = pty;
    const end = () => {
      this.#input?.close();
      this.#sink.finish().then(this.#ended.resolve, this.#ended.resolve);
    };
    pty.on('error', end);
    pty.on('end', end);
    this.#sink.take(pty);
    this.#input?.feed(pty);
  }

  closeStdin(): void {
    this.#input?.finish(() => this.#pty?.write(END_OF_INPUT));
  }

  resize(columns: number, rows: number): void {
    if (this.#master !== undefined) setWindowSize(this.#master, { columns, rows });
  }

  /** The terminal itself says when its last user is gone, which may be another process than the one that ended. */
  exited(): void {
    this.#input?.close();
  }

  async flushed(): Promise<void> {
    if (this.#pty === undefined) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, FLUSH_MS);
    await Promise.race([this.#ended.promise, late.promise]);
    clearTimeout(timer);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#console[Symbol.dispose]();
    this.#input?.close();
    this.#pty?.destroy();
    this.#sink.close();
    if (this.#master !== undefined) close(this.#master);
    this.#master = undefined;
  }
}
