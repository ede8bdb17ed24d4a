import type { CallOptions } from '@stowage/core';
import type { Endpoint } from './endpoint.ts';
import type { HttpResponse } from './http.ts';

/** What a request wants to be allowed. */
export interface Access {
  readonly endpoint: Endpoint;
  readonly repository: string;
  readonly actions: 'pull';
}

/** Gives requests to a registry what lets them pass. Never asked for requests to anybody else. */
export interface Authorizer {
  /** What is known to be wanted, from an earlier challenge. */
  headers(access: Access): Readonly<Record<string, string>>;
  /**
   * Answers a 401.
   *
   * @returns whether trying again, with new {@link headers}, makes sense.
   */
  challenged(access: Access, response: HttpResponse, options: CallOptions): Promise<boolean>;
}
