import type { CallOptions } from '@stowage/core';
import type { Endpoint } from './endpoint.ts';
import type { HttpResponse } from './http.ts';

export type Action = 'pull' | 'push' | 'delete';

/** What is wanted of one repository. */
export interface Scope {
  readonly repository: string;
  readonly actions: readonly Action[];
}

/** What a request wants to be allowed. */
export interface Access {
  readonly endpoint: Endpoint;
  readonly scopes: readonly Scope[];
}

/** What came of answering a challenge. */
export interface Answered {
  /** Whether trying again, with new headers, makes sense. */
  readonly again: boolean;
  /** For the message, if it is still refused. */
  readonly hint?: string | undefined;
}

/** Gives requests to a registry what lets them pass. Never asked for requests to anybody else. */
export interface Authorizer {
  /** What is known to be wanted, from an earlier challenge. */
  headers(access: Access): Readonly<Record<string, string>>;
  /**
   * Answers a 401.
   *
   * @param sent - the headers that were refused.
   */
  challenged(
    access: Access,
    response: HttpResponse,
    sent: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<Answered>;
}
