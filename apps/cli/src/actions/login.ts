import { Fault } from '@stowage/core';
import { login, logout, type PasswordCredentials } from '@stowage/registry';
import type { LoginFlags } from '../commands/registries.ts';
import { interruptible } from '../interrupt.ts';
import { ask } from '../prompt.ts';
import { registryAccess } from '../registry-access.ts';

const DEFAULT_HOST = 'docker.io';

/** Longer than any token. */
const MAX_PASSWORD_BYTES = 64 * 1024;

export async function logIn(host = DEFAULT_HOST, flags: LoginFlags): Promise<void> {
  const { hosts: endpoints, plainHttp } = await registryAccess(flags);
  const credentials = await credentialsOf(host, flags);
  using interrupt = interruptible();
  const registry = { endpoints, plainHttp };
  const kept = await login(host, credentials, { registry, signal: interrupt.signal });
  if (!kept.isProtected) {
    const advice = 'a credential helper of Docker, named as credsStore in it, would protect it';
    process.stderr.write(
      `stowage: the password is kept as good as in the clear in ${kept.keptBy}; ${advice}\n`,
    );
  }
  process.stdout.write(`logged in to ${host} as ${credentials.username}\n`);
}

export async function logOut(host = DEFAULT_HOST): Promise<void> {
  using interrupt = interruptible();
  await logout(host, { signal: interrupt.signal });
  process.stdout.write(`no login to ${host} is kept any more\n`);
}

async function credentialsOf(host: string, flags: LoginFlags): Promise<PasswordCredentials> {
  const { password, passwordStdin } = flags;
  const fail = (reason: string) => new Fault('invalid_argument', `log in to ${host}: ${reason}`);
  if (password !== undefined && passwordStdin) throw fail('-p and --password-stdin exclude each other');
  if (password !== undefined) {
    const why = 'others on this machine can see a password among the arguments; use --password-stdin';
    process.stderr.write(`stowage: ${why}\n`);
  }
  if (passwordStdin) {
    if (flags.username === undefined) throw fail('--password-stdin needs -u too');
    return { username: flags.username, password: await passwordFromStdin() };
  }
  const mustAsk = flags.username === undefined || password === undefined;
  if (mustAsk && !process.stdin.isTTY)
    throw fail('there is no terminal to ask at; use -u and --password-stdin');
  const username = flags.username ?? (await ask(`User for ${host}: `));
  return { username, password: password ?? (await ask(`Password of ${username}: `, { isHidden: true })) };
}

/** Without the line feed that tools put behind it. */
async function passwordFromStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_PASSWORD_BYTES)
      throw new Fault('invalid_argument', `--password-stdin: more than ${MAX_PASSWORD_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '');
}
