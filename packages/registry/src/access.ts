import type { Action, Scope } from './authorizer.ts';
import type { Capability } from './endpoint.ts';
import type { Reference } from './reference.ts';

/** The part of a call that says whose repository it is about and what is wanted of it. */
interface Aim {
  readonly host: string;
  readonly needs: Capability;
  readonly scopes: readonly Scope[];
}

export function pulling({ host, repository }: Reference): Aim {
  return { host, needs: 'pull', scopes: [{ repository, actions: ['pull'] }] };
}

/** @param actions - Registries want `pull` beside `push`. */
export function changing({ host, repository }: Reference, actions: readonly Action[]): Aim {
  return { host, needs: 'push', scopes: [{ repository, actions }] };
}
