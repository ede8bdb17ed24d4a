/**
 * What a supervisor and a daemon send each other over the socket `fds`, one message of a seqpacket socket each:
 * which descriptors keep the streams of one process alive, and with it these descriptors.
 */
export interface HandoverMessage {
  readonly process: ProcessRef;
  /** With the start time, names one process until the next boot: a container that has the id later is another. */
  readonly pid: number;
  /** Clock ticks from boot, decimal. */
  readonly startTime: string;
  /** What the descriptors that come along are, in their order. None any more, if empty. */
  readonly handles: readonly HandleName[];
}

/** A process by namespace, container and exec id, which is empty for the init. */
export interface ProcessRef {
  readonly namespace: string;
  readonly id: string;
  readonly execId: string;
}

/**
 * - `stdin`: a writer of the FIFO that is the standard input of a process without a terminal.
 * - `stdout`, `stderr`: readers of the FIFOs that go to a log of the supervisor's.
 * - `master`: of a terminal.
 * - `input`, `output`: both directions of the FIFOs that a terminal's bytes come from and go to. Without somebody who
 *   has them open, what is in them is lost, and clients see an end.
 */
export type HandleName = 'stdin' | 'stdout' | 'stderr' | 'master' | 'input' | 'output';

/** Descriptors by what they are. */
export type Handles = { readonly [K in HandleName]?: number };

/** More than any message has: namespaces and ids have at most 76 characters. */
export const LONGEST_MESSAGE = 1024;
export const MOST_HANDLES = 4;

export const encodeHandover = (message: HandoverMessage): Buffer => Buffer.from(JSON.stringify(message));

/** @throws SyntaxError */
export const decodeHandover = (data: Buffer): HandoverMessage =>
  JSON.parse(data.toString('utf8')) as HandoverMessage;

// Namespaces and ids are identifiers, so they hold no slash.
export const refKey = ({ namespace, id, execId }: ProcessRef): string => `${namespace}/${id}/${execId}`;

/** Puts descriptors that came with a message under their names. */
export function handlesOf({ handles }: HandoverMessage, fds: readonly number[]): Handles {
  return Object.fromEntries(fds.flatMap((fd, i) => (handles[i] === undefined ? [] : [[handles[i], fd]])));
}
