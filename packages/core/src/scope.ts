/**
 * Whose objects a call is about. A scope is a value that is bound once, by asking for a view
 * (`metadata.scope({ namespace })`, `remoteImages(transport, { namespace })`); it is never ambient state.
 */
export interface Scope {
  /** Names a namespace; see {@link validateIdentifier}. Empty where a caller named none. */
  readonly namespace: string;
  /** Id of the lease that holds what this scope creates. */
  readonly lease?: string | undefined;
}

/** Gives the view of one scope. Throws a {@link Fault} `failed_precondition` if the namespace is empty. */
export type Scoped<T> = (scope: Scope) => T;
