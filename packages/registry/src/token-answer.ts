import { Fault } from '@stowage/core';
import { shown } from './network-fault.ts';

/** What lets requests pass for a while. */
export interface Token {
  readonly value: string;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
  /** To get further tokens with, if the realm gives one. */
  readonly refreshToken?: string | undefined;
}

const MAX_TOKEN_CHARACTERS = 64 * 1024;
/** A token without a stated life lives this long (distribution, auth/token). */
const DEFAULT_LIFE_SECONDS = 60;
const LONGEST_LIFE_SECONDS = 3600;

/** @throws Fault `unauthenticated` if there is no token in it; what is in it is not told. */
export function parseToken(subject: string, url: URL, body: Buffer): Token {
  const fail = (reason: string) => new Fault('unauthenticated', `${subject}: ${shown(url)} ${reason}`);
  let parsed: {
    token?: unknown;
    access_token?: unknown;
    refresh_token?: unknown;
    expires_in?: unknown;
  } | null;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    // The parser's own message quotes what it was given.
    throw fail('answered no JSON');
  }
  const value = parsed?.token ?? parsed?.access_token;
  if (!isToken(value)) throw fail('answered no token');
  const life = typeof parsed?.expires_in === 'number' ? parsed.expires_in : DEFAULT_LIFE_SECONDS;
  // A tenth early, for the way and for clocks that differ.
  const expiresAt = Date.now() + Math.min(Math.max(life, 1), LONGEST_LIFE_SECONDS) * 900;
  const refreshToken = parsed?.refresh_token;
  return { value, expiresAt, ...(isToken(refreshToken) && { refreshToken }) };
}

/** It becomes a header, so it must not be able to end one. */
function isToken(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TOKEN_CHARACTERS && /^[\x21-\x7e]+$/.test(value);
}
