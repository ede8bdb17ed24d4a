/** Why a call failed, in the words of Connect. */
export class CallError extends Error {
  override readonly name = 'CallError';
  /** `not_found`, `unimplemented`, ... */
  readonly code: string;

  constructor({ code = 'unknown', message = '' }: WireError) {
    super(message || code);
    this.code = code;
  }
}

interface WireError {
  readonly code?: string;
  readonly message?: string;
}

export interface CallOptions {
  /** Left out for all. */
  readonly namespace?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const HEAD_BYTES = 5;
const END = 2;

/** Calls a method that answers once. @param path - `package.Service/Method`. */
export async function call<T>(path: string, input: object, options: CallOptions = {}): Promise<T> {
  const answer = await post(path, 'application/json', JSON.stringify(input), options);
  const body = await answer.json();
  if (!answer.ok) throw new CallError(body as WireError);
  return body as T;
}

/** Calls a method that answers with many messages: each after a flag and its length, the last of them the end. */
export async function* stream<T>(path: string, input: object, options: CallOptions = {}): AsyncGenerator<T> {
  const message = new TextEncoder().encode(JSON.stringify(input));
  const body = new Uint8Array(HEAD_BYTES + message.length);
  new DataView(body.buffer).setUint32(1, message.length);
  body.set(message, HEAD_BYTES);
  const left = new AbortController();
  const signal = AbortSignal.any([left.signal, ...(options.signal ? [options.signal] : [])]);
  try {
    const answer = await post(path, 'application/connect+json', body, { ...options, signal });
    if (!answer.ok || answer.body === null) throw new CallError({ message: `HTTP ${answer.status}` });
    for await (const { flag, text } of frames(answer.body)) {
      if (flag !== END) yield JSON.parse(text) as T;
      else {
        const { error } = JSON.parse(text) as { error?: WireError };
        if (error !== undefined) throw new CallError(error);
        return;
      }
    }
    throw new CallError({ code: 'unavailable', message: 'the connection was lost' });
  } finally {
    left.abort();
  }
}

async function post(path: string, type: string, body: BodyInit, options: CallOptions): Promise<Response> {
  const { namespace, signal } = options;
  const headers: Record<string, string> = { 'content-type': type };
  if (namespace) headers['containerd-namespace'] = namespace;
  try {
    return await fetch(`/${path}`, { method: 'POST', headers, body, signal: signal ?? null });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new CallError({ code: 'unavailable', message: 'stowage ui does not answer; was it ended?' });
  }
}

async function* frames(body: ReadableStream<Uint8Array>): AsyncGenerator<{ flag: number; text: string }> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const bytes = new Uint8Array(rest.length + value.length);
    bytes.set(rest);
    bytes.set(value, rest.length);
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + new DataView(bytes.buffer).getUint32(at + 1);
      if (bytes.length < end) break;
      yield { flag: bytes[at] ?? 0, text: decoder.decode(bytes.subarray(at + HEAD_BYTES, end)) };
      at = end;
    }
    rest = bytes.slice(at);
  }
}

/** What to tell somebody of a failure. */
export function reasonOf(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}

export function isCode(e: unknown, code: string): boolean {
  return e instanceof CallError && e.code === code;
}
