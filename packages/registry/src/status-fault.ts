import { Fault, type FaultKind, quote } from '@stowage/core';
import { readBody } from './body.ts';
import type { HttpResponse } from './http.ts';
import { shown } from './network-fault.ts';

const MAX_ERROR_BYTES = 16 * 1024;

/**
 * What an answer other than success means. Reads its body.
 *
 * @param subject - what was wanted, such as `resolve docker.io/library/busybox:latest`.
 */
export async function statusFault(subject: string, response: HttpResponse): Promise<Fault> {
  const { status, url, hint } = response;
  const said = await errorText(subject, response);
  const [kind, reason] = meaning(status);
  return new Fault(
    kind,
    `${subject}: ${reason} (HTTP ${status} from ${shown(url)}${said})${hint === undefined ? '' : `; ${hint}`}`,
  );
}

function meaning(status: number): readonly [FaultKind, string] {
  switch (status) {
    case 401:
      return ['unauthenticated', 'the registry wants a login, or has nothing of this name'];
    case 403:
      return ['permission_denied', 'the registry denies it'];
    case 405:
      return ['unimplemented', 'the registry does not allow it'];
    case 404:
      return ['not_found', 'the registry has nothing of this name'];
    case 416:
      return ['out_of_range', 'the registry has fewer bytes'];
    case 413:
      return ['resource_exhausted', 'it is too large for the registry'];
    case 429:
      return ['resource_exhausted', 'the registry has had too many requests; try again later'];
    default:
      return status >= 500 ? ['unavailable', 'the registry failed'] : ['unknown', 'unexpected answer'];
  }
}

/** What the registry says itself (distribution-spec, "Error codes"); nothing if that is no JSON of its form. */
async function errorText(subject: string, response: HttpResponse): Promise<string> {
  try {
    const body: unknown = JSON.parse((await readBody(subject, response, MAX_ERROR_BYTES)).toString());
    const [first] = (body as { errors?: { code?: unknown; message?: unknown }[] }).errors ?? [];
    const text = [first?.code, first?.message].filter((part) => typeof part === 'string').join(': ');
    return text === '' ? '' : `: ${quote(text)}`;
  } catch {
    // The status says enough; a broken explanation must not hide it.
    return '';
  }
}
