import { type CallOptions, Fault } from '@stowage/core';
import { close, dup } from '@stowage/linux';
import type { Poller } from '@stowage/linux/poller';
import { ConsoleSocket, type PtyStream, ptyStream, setWindowSize } from '@stowage/linux/pty';
import type { Stdio } from '@stowage/runtime';
import type { Handles } from '../handover-message.ts';
import { type CommandStdio, quiet } from './command.ts';
import { settlesWithin } from './in-time.ts';
import { Loggers } from './loggers.ts';
import type { LoggerHost, LoggerRecord } from './logging-binary.ts';
import type { ProcessIO } from './process-io.ts';
import { streamTarget } from './stream-target.ts';
import type { TaskProcess } from './task-process.ts';
import { InputFifo } from './terminal-input.ts';
import { fifoSink, type OutputSink, openSink } from './terminal-output.ts';

/** How long the runtime may take to send the master after it has ended. */
const RECEIVE_MS = 5000;
/** How long a delete waits for output that nobody reads. */
const FLUSH_MS = 2000;
/** Control-D, which a terminal in its usual mode takes for the end of input. */
const END_OF_INPUT = '\u0004';

export interface TerminalIOOptions {
  readonly host: LoggerHost;
  /** Where to listen for the master; short enough for a socket. */
  readonly socketPath: string;
  readonly poller: Poller;
}

/**
 * A terminal. The process has its slave; the master is here, since only its holder can resize it, and bytes are
 * copied between it and the client's FIFOs. Neither direction reads more than the other side takes.
 */
export class TerminalIO implements ProcessIO {
  readonly stdio: CommandStdio = quiet;
  readonly #loggers: Loggers;
  readonly #ended = Promise.withResolvers<void>();
  #console: ConsoleSocket | undefined;
  #sink: OutputSink | undefined;
  #input: InputFifo | undefined;
  #master: number | undefined;
  #pty: PtyStream | undefined;
  /** Nothing more shall be typed. */
  #inputEnded = false;
  #closed = false;

  private constructor(loggers: Loggers) {
    this.#loggers = loggers;
  }

  static async open(
    { stdin, stdout }: Stdio,
    { host, socketPath, poller }: TerminalIOOptions,
    options: CallOptions,
  ): Promise<TerminalIO> {
    const [source, target] = await Promise.all([
      streamTarget('stdin', stdin),
      streamTarget('stdout', stdout),
    ]);
    if (source.kind === 'file') {
      throw new Fault('invalid_argument', `stdin ${stdin}: with a terminal it must be a FIFO`);
    }
    const io = new TerminalIO(await Loggers.start({ stdout: target }, host, options));
    try {
      io.#sink =
        target.kind === 'logger'
          ? fifoSink(io.#loggers.takeWriter('stdout'), { late: false })
          : await openSink(target, host.log);
      if (source.kind === 'fifo') io.#input = InputFifo.open(source.path);
      io.#console = new ConsoleSocket(socketPath, poller);
      return io;
    } catch (e) {
      io.close();
      throw e;
    }
  }

  /** That of a process which an earlier supervisor started. It shows nothing before {@link take}. */
  static async adopt({ stdio, stdinClosed, loggers }: TaskProcess, host: LoggerHost): Promise<TerminalIO> {
    const io = new TerminalIO(Loggers.adopt(host, loggers));
    io.#inputEnded = stdinClosed;
    if (stdio.stdout === '') io.#sink = await openSink({ kind: 'none' }, host.log);
    if (stdio.stdout.startsWith('file:')) {
      const target = await streamTarget('stdout', stdio.stdout);
      if (target.kind === 'file' || target.kind === 'log') io.#sink = await openSink(target, host.log);
    }
    return io;
  }

  get consoleSocket(): string | undefined {
    return this.#console?.path;
  }

  get loggers(): readonly LoggerRecord[] {
    return this.#loggers.records;
  }

  async spawned(): Promise<void> {
    if (this.#console === undefined) return;
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
    const sink = this.#sink;
    const end = () => {
      this.#input?.close();
      if (sink === undefined) this.#ended.resolve();
      else sink.finish().then(this.#ended.resolve, this.#ended.resolve);
    };
    pty.on('error', end);
    pty.on('end', end);
    if (sink === undefined) pty.resume();
    else sink.take(pty);
    this.#input?.feed(pty);
  }

  closeStdin(): void {
    this.#inputEnded = true;
    this.#input?.finish(() => this.#pty?.write(END_OF_INPUT));
  }

  resize(columns: number, rows: number): void {
    if (this.#master !== undefined) setWindowSize(this.#master, { columns, rows });
  }

  /** The terminal itself says when its last user is gone, which may be another process than the one that ended. */
  exited(): void {
    this.#inputEnded = true;
    this.#input?.close();
    this.#loggers.exited();
  }

  async flushed(): Promise<void> {
    if (this.#pty !== undefined) await settlesWithin(FLUSH_MS, this.#ended.promise);
    this.#sink?.close();
    await this.#loggers.finish();
  }

  handles(): Handles {
    if (this.#master === undefined) return {};
    const [input, output] = [this.#input?.fd, this.#sink?.fd];
    return {
      master: this.#master,
      ...(input !== undefined && { input }),
      ...(output !== undefined && { output }),
    };
  }

  take({ master, input, output, ...others }: Handles): void {
    const used = master !== undefined && this.#master === undefined && !this.#closed;
    const takesInput = used && !this.#inputEnded && this.#input === undefined;
    const takesOutput = used && this.#sink === undefined;
    if (input !== undefined && takesInput) this.#input = new InputFifo(input);
    if (output !== undefined && takesOutput)
      this.#sink = fifoSink(output, { late: this.loggers.length === 0 });
    const unused = {
      ...(!used && { master }),
      ...(!takesInput && { input }),
      ...(!takesOutput && { output }),
    };
    for (const fd of Object.values({ ...others, ...unused })) if (fd !== undefined) close(fd);
    if (used) this.#attach(master);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#console?.[Symbol.dispose]();
    this.#input?.close();
    this.#pty?.destroy();
    this.#sink?.close();
    if (this.#master !== undefined) close(this.#master);
    this.#master = undefined;
    void this.#loggers.finish();
  }
}
