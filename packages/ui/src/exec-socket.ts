import { PassThrough, Writable } from 'node:stream';
import type { Client } from '@stowage/client';
import { type CallOptions, Fault } from '@stowage/core';
import type { RawData, WebSocket } from 'ws';
import { sent } from './web-socket.ts';

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Runs a program on a terminal in a container. Binary messages are what is typed and what is shown; text ones are JSON:
 * `{columns, rows}` from the page, `{exitStatus}` to it. The program ends when the page leaves.
 */
export async function runTerminal(
  socket: WebSocket,
  client: Client,
  query: URLSearchParams,
  { signal }: CallOptions,
): Promise<void> {
  const id = query.get('id') ?? '';
  const args = query.getAll('arg');
  if (args.length === 0) throw new Fault('invalid_argument', `exec in ${id}: no program was named`);
  const size = sizeOf({ columns: Number(query.get('columns')), rows: Number(query.get('rows')) });
  const [stdin, stdout] = [new PassThrough(), shownAt(socket)];
  const sizes: Size[] = [size];
  let onSize = (next: Size): void => void sizes.push(next);
  socket.on('message', (data, isBinary) => {
    if (isBinary) typed(socket, stdin, data);
    else onSize(readSize(String(data)));
  });
  const container = await client.container(id, { signal });
  await using running = await container.exec({ args, io: { stdin, stdout, terminal: true }, signal });
  // It may have ended since, which its exit tells.
  onSize = ({ columns, rows }) => void running.resize(columns, rows).catch(() => undefined);
  for (const one of sizes.slice(-1)) onSize(one);
  const { exitStatus } = await running.exit;
  await sent(socket, JSON.stringify({ exitStatus }));
}

/** Takes no more from the network than the program reads. */
function typed(socket: WebSocket, stdin: PassThrough, data: RawData): void {
  if (stdin.write(data)) return;
  socket.pause();
  stdin.once('drain', () => socket.resume());
}

function shownAt(socket: WebSocket): Writable {
  return new Writable({
    write: (chunk: Buffer, _, done) => {
      sent(socket, chunk).then(() => done(), done);
    },
  });
}

function readSize(text: string): Size {
  try {
    return sizeOf((JSON.parse(text) ?? {}) as Size);
  } catch {
    return sizeOf({ columns: 0, rows: 0 });
  }
}

/** As much as a terminal can be told; what is none is that of old. */
function sizeOf({ columns, rows }: Size): Size {
  const within = (n: number, other: number) => (Number.isInteger(n) && n > 0 && n <= 1000 ? n : other);
  return { columns: within(columns, 80), rows: within(rows, 24) };
}
