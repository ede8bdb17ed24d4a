import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must, tempDir } from '@stowage/testing';

/** An authority of its own, a server's certificate for loopback, and a client's. Paths and PEM of each. */
export interface Certificates extends AsyncDisposable {
  readonly directory: string;
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
  path(name: 'ca.crt' | 'server.crt' | 'server.key' | 'client.crt' | 'client.key'): string;
}

export async function certificates(): Promise<Certificates> {
  const dir = await tempDir('certificates');
  const at = (name: string) => join(dir.path, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = ['-addext', 'basicConstraints=critical,CA:TRUE', '-subj', '/CN=test authority'];
  await must('openssl', [
    ...['req', '-x509', ...key, '-days', '2', ...authority, '-keyout', at('ca.key'), '-out', at('ca.crt')],
  ]);
  for (const name of ['server', 'client']) {
    const extensions = at(`${name}.ext`);
    await writeFile(
      extensions,
      'subjectAltName=IP:127.0.0.1,IP:127.0.0.2,DNS:localhost,DNS:registry.invalid\n',
    );
    const request = at(`${name}.csr`);
    await must('openssl', [
      'req',
      ...key,
      ...['-subj', `/CN=test ${name}`, '-keyout', at(`${name}.key`), '-out', request],
    ]);
    await must('openssl', [
      ...['x509', '-req', '-in', request, '-days', '2', '-CA', at('ca.crt'), '-CAkey', at('ca.key')],
      ...['-CAcreateserial', '-extfile', extensions, '-out', at(`${name}.crt`)],
    ]);
  }
  const read = (name: string) => readFile(at(name), 'utf8');
  return {
    directory: dir.path,
    ca: await read('ca.crt'),
    server: { cert: await read('server.crt'), key: await read('server.key') },
    client: { cert: await read('client.crt'), key: await read('client.key') },
    path: at,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}
