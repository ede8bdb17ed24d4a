import type { CommandStdio } from './command.ts';

/** The streams of one process, from before its runtime is run until it is deleted. */
export interface ProcessIO {
  /** What the command that makes the process gets, for it to pass on. */
  readonly stdio: CommandStdio;
  /** Where that command shall send the master of the terminal. */
  readonly consoleSocket?: string | undefined;
  /** The command is done: closes what only it needed, takes the terminal. */
  spawned(): Promise<void>;
  /** Ends standard input, once what was written to it has been read. */
  closeStdin(): void;
  resize(width: number, height: number): void;
  /** The process has ended: ends its output, once what it wrote has been read. */
  exited(): void;
  /** Settles when all output has left this process, at the latest after some seconds. */
  flushed(): Promise<void>;
  /** Lets go of everything. Safe to call again. */
  close(): void;
}
