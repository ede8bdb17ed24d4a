import { once } from 'node:events';
import { until } from '@stowage/testing';
import { WebSocket } from 'ws';
import { type Begun, beginStowage } from './cli.ts';

/** `stowage ui` as its page speaks with it, without a browser. */
export interface UiCalls extends AsyncDisposable {
  readonly serving: Begun;
  /** @returns what is answered, or the code and message of a failure. */
  call(path: string, input?: object): Promise<Record<string, unknown>>;
  /** Opens a connection, and calls back with each text that comes, and with bytes as text. */
  open(path: string, onText: (text: string) => void): Promise<WebSocket>;
}

export async function uiCalls(address: string, namespace: string, ...flags: string[]): Promise<UiCalls> {
  const serving = beginStowage(address, [...flags, 'ui']);
  await until('its address', () => serving.out().includes('\n') || serving.child.exitCode !== null, 20_000);
  const url = new URL(serving.out().trim());
  const welcome = await fetch(url);
  const cookie = welcome.headers.get('set-cookie')?.split(';')[0] ?? '';
  const headers = { cookie, origin: url.origin };
  return {
    serving,
    async call(path, input = {}) {
      const answer = await fetch(new URL(path, url), {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'containerd-namespace': namespace },
        body: JSON.stringify(input),
      });
      return (await answer.json()) as Record<string, unknown>;
    },
    async open(path, onText) {
      const query = `${path.includes('?') ? '&' : '?'}namespace=${namespace}`;
      const socket = new WebSocket(`ws://${url.host}${path}${query}`, { headers });
      socket.on('message', (data) => onText(String(data)));
      await once(socket, 'open');
      return socket;
    },
    async [Symbol.asyncDispose]() {
      serving.child.kill('SIGINT');
      await serving.end;
    },
  };
}
