import { Fault, reasonOf } from '@stowage/core';

/** In the words of containerd's shim before 1.7, which knows only programs and FIFOs for what a terminal shows. */
const NO_TERMINAL_LOG = /start console copy: stat (file)?:/;

// In the words of runc and crun.
export const NOT_FOUND = /exec(utable file| failed|: ").*(not found|no such file)/i;
export const NOT_RUNNABLE = /exec(utable file| failed|: ").*(permission denied|is a directory)/i;

const NOT_TRUSTED = /certificate|\bTLS\b/;

/** Of what registries are asked: `push sha256:… to host/x: …`, `resolve host/x:v1: …`. */
const REGISTRY = /^(?:resolve|fetch|push) (?:\S+ (?:to|of|from) )?"?([^\s/"]+)\//;

function loginHint(what: string): string | undefined {
  if (what.startsWith('log in to '))
    return 'Are user and password right? Some registries want a token in place of the password. Nothing was kept.';
  const host = REGISTRY.exec(what)?.[1];
  return host === undefined
    ? undefined
    : `Log in as somebody who may: stowage login ${host}. Or is the name right?`;
}

/** Where to see what there is, by how a message begins that something is not there. */
const LISTS: ReadonlyArray<readonly [subject: string, hint: string]> = [
  ['image ', 'Pull it with: stowage pull NAME. stowage images lists them.'],
  ['object ', 'Is it in another namespace (--all-namespaces)? stowage df -v lists what there is.'],
  ['container ', 'stowage ps -a lists them.'],
  ['task ', 'It does not run. stowage ps lists those that do.'],
  ['snapshot ', 'stowage snapshot ls lists them.'],
  ['lease ', 'stowage lease ls lists them.'],
  ['namespace ', 'stowage namespace ls lists them.'],
  ['operation ', 'stowage operations ls -a lists them.'],
  ['content ', 'stowage content ls lists them.'],
];

const NO_REGISTRY =
  /^(?:resolve|fetch|push) .*(connection refused|ENOTFOUND|EAI_AGAIN|getaddrinfo|EHOSTUNREACH|ENETUNREACH)/;

/** One line of what went wrong, and one of what to do where there is something. */
export function explain(e: unknown): { readonly what: string; readonly hint: string | undefined } {
  const what = reasonOf(e);
  if (NO_TERMINAL_LOG.test(what) && Fault.is(e))
    return {
      what: 'this daemon’s runtime has no terminal but for who stays with it: it keeps no log of one',
      hint: 'Use -d without -t; or -it, and let go of it with ctrl-p ctrl-q.',
    };
  return { what, hint: hintFor(e, what) };
}

function hintFor(e: unknown, what: string): string | undefined {
  if (/no space left on device|ENOSPC/.test(what))
    return 'Make room on it: stowage df shows what takes how much, stowage system prune removes what is not used.';
  if (!Fault.is(e)) return undefined;
  return hintOfKind(e, what) ?? hintOfWords(what);
}

function hintOfKind({ kind }: Fault, what: string): string | undefined {
  switch (kind) {
    case 'unavailable':
      return /^connect to .*(socket|server running)/.test(what)
        ? 'Start it with: stowaged. Or name another with --address.'
        : undefined;
    case 'permission_denied':
      return what.startsWith('connect to')
        ? 'Root alone may use the socket, as a rule: try sudo.'
        : loginHint(what);
    case 'unauthenticated':
      return loginHint(what);
    case 'not_found':
      return LISTS.find(([subject]) => what.startsWith(subject))?.[1];
    case 'already_exists':
      return what.startsWith('create container')
        ? 'Choose another --name, or remove it with: stowage rm NAME.'
        : undefined;
    default:
      return undefined;
  }
}

function hintOfWords(what: string): string | undefined {
  if (NOT_TRUSTED.test(what))
    return 'Put its authority’s certificate into /etc/containerd/certs.d/HOST/ca.crt; or use --plain-http if it speaks HTTP.';
  if (NO_REGISTRY.test(what))
    return 'Is the registry’s name right, and does this machine reach it? A mirror goes into /etc/containerd/certs.d/HOST/hosts.toml.';
  return NOT_FOUND.test(what) ? 'Is the program in the image, under this name?' : undefined;
}
