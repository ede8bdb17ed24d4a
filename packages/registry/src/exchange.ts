/** What is said to a registry, and what it answers, for whoever looks for what goes wrong. */
export interface Exchange {
  readonly method: string;
  /** Without its query, which may hold secrets. */
  readonly url: string;
  /** Those of the request are without what lets pass. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Of the answer; a request has none. */
  readonly status?: number | undefined;
  /** From the request to the head of its answer. */
  readonly durationMs?: number | undefined;
}

const SECRET = /^(authorization|proxy-authorization|cookie|set-cookie)$/i;

export function withoutSecrets(headers: Exchange['headers']): Exchange['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, SECRET.test(name) ? '(hidden)' : value]),
  );
}
