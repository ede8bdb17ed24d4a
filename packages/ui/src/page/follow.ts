import { type CallOptions, isCode, stream } from './rpc.ts';

/** How a subscription stands. `absent`: the daemon has none such. */
export type FeedState = 'connecting' | 'live' | 'lost' | 'absent';

const AGAIN_MS = 1000;

/**
 * Listens until the signal fires, and again a moment after the connection is lost.
 *
 * @param input - asked anew each time, to go on where it was.
 */
export async function follow<T>(
  path: string,
  input: () => object,
  {
    onMessage,
    onState,
  }: { readonly onMessage: (message: T) => void; readonly onState: (state: FeedState) => void },
  options: CallOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { signal } = options;
  while (!signal.aborted) {
    try {
      const messages = stream<T>(path, input(), options);
      for await (const message of messages) {
        onState('live');
        onMessage(message);
      }
    } catch (e) {
      if (signal.aborted) return;
      if (isCode(e, 'unimplemented')) return onState('absent');
      onState('lost');
    }
    await new Promise((again) => setTimeout(again, AGAIN_MS));
  }
}
