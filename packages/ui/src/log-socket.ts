import type { Client } from '@stowage/client';
import type { CallOptions } from '@stowage/core';
import type { WebSocket } from 'ws';
import { sent } from './web-socket.ts';

/** Sends what a container printed, and goes on as it prints more until it ends: JSON with time, stream and text of lines. */
export async function sendLog(
  socket: WebSocket,
  client: Client,
  query: URLSearchParams,
  { signal }: CallOptions,
): Promise<void> {
  const tail = Number(query.get('tail') ?? 0);
  const lines = client.logs(query.get('id') ?? '', {
    follow: true,
    tail: tail > 0 ? tail : undefined,
    signal,
  });
  for await (const { time, stream, text } of lines)
    await sent(socket, JSON.stringify({ time: time?.toISOString(), stream, text }));
  await sent(socket, JSON.stringify({ ended: true }));
}
