import type { Handles } from '../handover-message.ts';
import type { CommandStdio } from './command.ts';
import type { LoggerRecord } from './logging-binary.ts';

/** The streams of one process, from before its runtime is run until it is deleted. */
export interface ProcessIO {
  /** What the command that makes the process gets, for it to pass on. */
  readonly stdio: CommandStdio;
  /** Where that command shall send the master of the terminal. */
  readonly consoleSocket?: string | undefined;
  /** Of the programs that its output goes to, what another supervisor must know. */
  readonly loggers: readonly LoggerRecord[];
  /** The command is done: closes what only it needed, takes the terminal. */
  spawned(): Promise<void>;
  /** Ends standard input, once what was written to it has been read. */
  closeStdin(): void;
  resize(width: number, height: number): void;
  /** The process has ended: ends its output, once what it wrote has been read. */
  exited(): void;
  /** Settles when all output has left this process, and the programs it went to have ended: after some seconds at the latest. */
  flushed(): Promise<void>;
  /** What has to stay open should this process die. The descriptors stay its own. */
  handles(): Handles;
  /** Goes on with what was kept open since an earlier supervisor died. The descriptors become its own. */
  take(handles: Handles): void;
  /** Lets go of everything. Safe to call again. */
  close(): void;
}
