import { Fault, quote } from '@stowage/core';
import type { IdentityToken, PasswordCredentials } from './credentials.ts';
import { type HelperAction, type HelperOptions, type HelperOutput, runHelper } from './run-helper.ts';

/** What a helper calls the user of an identity token. */
const TOKEN_USER = '<token>';
/** What helpers say, with a failure, of what they do not have. */
const NOTHING = /^(credentials not found|no credentials|no usernames? )/i;

/** @returns none if the helper has none for this key. @throws Fault as {@link runHelper}, or `unavailable` if it failed. */
export async function getByHelper(
  name: string,
  key: string,
  options: HelperOptions,
): Promise<PasswordCredentials | IdentityToken | undefined> {
  const output = await runHelper(name, 'get', key, options);
  if (output.code !== 0) {
    if (NOTHING.test(output.text.trim())) return undefined;
    throw failed(name, 'get', output);
  }
  let parsed: { Username?: unknown; Secret?: unknown } | null;
  try {
    parsed = JSON.parse(output.text);
  } catch {
    // The parser's own message quotes what it was given.
    throw new Fault('unavailable', `docker-credential-${name} get: what it says is no JSON`);
  }
  const { Username: username, Secret: secret } = parsed ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw new Fault('unavailable', `docker-credential-${name} get: it gives no Username and Secret`);
  if (secret === '') return undefined;
  return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
}

export async function storeByHelper(
  name: string,
  key: string,
  credentials: PasswordCredentials | IdentityToken,
  options: HelperOptions,
): Promise<void> {
  const [Username, Secret] =
    'identityToken' in credentials
      ? [TOKEN_USER, credentials.identityToken]
      : [credentials.username, credentials.password];
  const output = await runHelper(
    name,
    'store',
    JSON.stringify({ ServerURL: key, Username, Secret }),
    options,
  );
  if (output.code !== 0) throw failed(name, 'store', output);
}

/** What is not there is gone. */
export async function eraseByHelper(name: string, key: string, options: HelperOptions): Promise<void> {
  const output = await runHelper(name, 'erase', key, options);
  if (output.code !== 0 && !NOTHING.test(output.text.trim())) throw failed(name, 'erase', output);
}

/** Its last words are for people, unless they look like what it should have given. */
function failed(name: string, action: HelperAction, { code, text }: HelperOutput): Fault {
  const [first = ''] = text.trim().split('\n', 1);
  const isTold = action === 'get' && first !== '' && !/[{}"]/.test(first);
  const said = isTold ? `: ${quote(first)}` : '';
  return new Fault('unavailable', `docker-credential-${name} ${action}: exit code ${code}${said}`);
}
