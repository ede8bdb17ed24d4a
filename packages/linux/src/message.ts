import { constants } from 'node:os';
import { checked, systemError, uninterrupted } from './errors.ts';
import { close } from './fd.ts';
import { addressOf, c, lastErrno } from './libc.ts';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** SCM_MAX_FD: the kernel refuses more in one message. */
const MAX_FDS = 253;
const HEADER = 56;
const IOV = 16;
const CMSG_HEADER = 16;

export interface ReceivedMessage {
  /** Empty at the end of the stream. */
  readonly data: Buffer;
  /** O_CLOEXEC, the receiver's to close. */
  readonly fds: readonly number[];
}

export interface MessageOptions {
  /** Wait for the peer, **blocking the thread**. */
  readonly wait?: boolean;
}

/** Lays out msghdr, iovec and control message in one block, so that one object keeps all of it alive. */
function layout(dataSize: number, fdCount: number) {
  const controlSize = fdCount === 0 ? 0 : CMSG_HEADER + align8(fdCount * 4);
  const block = Buffer.alloc(HEADER + IOV + controlSize + Math.max(dataSize, 1));
  const base = addressOf(block);
  const controlAt = HEADER + IOV;
  const dataAt = controlAt + controlSize;
  block.writeBigUInt64LE(base + BigInt(HEADER), 16);
  block.writeBigUInt64LE(1n, 24);
  block.writeBigUInt64LE(controlSize === 0 ? 0n : base + BigInt(controlAt), 32);
  block.writeBigUInt64LE(BigInt(controlSize), 40);
  block.writeBigUInt64LE(base + BigInt(dataAt), HEADER);
  block.writeBigUInt64LE(BigInt(dataSize), HEADER + 8);
  return { block, controlAt, dataAt };
}

const align8 = (n: number): number => (n + 7) & ~7;

/**
 * Sends bytes and descriptors over a unix socket, as one message.
 *
 * @param data - At least one byte, or a stream carries no descriptors.
 * @param fds - At most 253. They stay open here; the receiver gets duplicates.
 * @returns how many bytes went, or undefined if it would have to wait. The descriptors went with the first byte.
 */
export function sendMessage(
  socket: number,
  data: Uint8Array,
  fds: readonly number[],
  { wait = false }: MessageOptions = {},
): number | undefined {
  if (data.length === 0 || fds.length > MAX_FDS) {
    throw systemError(
      constants.errno.EINVAL,
      'sendmsg',
      'send to',
      socket,
      'needs data, and at most 253 descriptors',
    );
  }
  const { block, controlAt, dataAt } = layout(data.length, fds.length);
  block.set(data, dataAt);
  if (fds.length > 0) {
    block.writeBigUInt64LE(BigInt(CMSG_HEADER + fds.length * 4), controlAt);
    block.writeInt32LE(SOL_SOCKET, controlAt + 8);
    block.writeInt32LE(SCM_RIGHTS, controlAt + 12);
    fds.forEach((fd, i) => {
      block.writeInt32LE(fd, controlAt + CMSG_HEADER + i * 4);
    });
    // Padding belongs to the buffer, not to the message, but the kernel wants the whole buffer's length here.
  }
  const flags = MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT);
  const result = uninterrupted(() => c.sendmsg(socket, block, flags));
  if (result === -1 && !wait && lastErrno() === constants.errno.EAGAIN) return undefined;
  return checked(result, 'sendmsg', 'send to', socket);
}

/**
 * Receives bytes and descriptors from a unix socket.
 *
 * @param maxBytes - How many bytes to take at most.
 * @param maxFds - How many descriptors to expect. If more come, all are closed and EMSGSIZE is thrown.
 * @returns undefined if nothing is there (without `wait`).
 */
export function receiveMessage(
  socket: number,
  maxBytes: number,
  maxFds: number,
  { wait = false }: MessageOptions = {},
): ReceivedMessage | undefined {
  const { block, controlAt, dataAt } = layout(maxBytes, Math.min(maxFds, MAX_FDS));
  const flags = MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT);
  const result = uninterrupted(() => c.recvmsg(socket, block, flags));
  if (result === -1 && !wait && lastErrno() === constants.errno.EAGAIN) return undefined;
  const size = checked(result, 'recvmsg', 'receive from', socket);
  const fds = descriptors(block, controlAt);
  if ((block.readInt32LE(48) & MSG_CTRUNC) !== 0 || fds.length > maxFds) {
    for (const fd of fds) close(fd);
    throw systemError(
      constants.errno.EMSGSIZE,
      'recvmsg',
      'receive from',
      socket,
      `more than ${maxFds} descriptors`,
    );
  }
  return { data: block.subarray(dataAt, dataAt + size), fds };
}

function descriptors(block: Buffer, controlAt: number): number[] {
  const controlEnd = controlAt + Number(block.readBigUInt64LE(40));
  const fds: number[] = [];
  for (let at = controlAt; at + CMSG_HEADER <= controlEnd; ) {
    const length = Number(block.readBigUInt64LE(at));
    if (length < CMSG_HEADER) break;
    if (block.readInt32LE(at + 8) === SOL_SOCKET && block.readInt32LE(at + 12) === SCM_RIGHTS) {
      for (let fd = at + CMSG_HEADER; fd + 4 <= at + length; fd += 4) fds.push(block.readInt32LE(fd));
    }
    at += align8(length);
  }
  return fds;
}
