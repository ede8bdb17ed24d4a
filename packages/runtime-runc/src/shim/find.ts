import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { bytesOf, readFields, textOf, writeFields } from './fields.ts';
import { addressFile } from './place.ts';

/** A supervisor may be slow; one that takes this long is stopped, or has lost itself. */
const PATIENCE_MS = 5000;
const HEADER_BYTES = 10;
const [REQUEST, STREAM_ID] = [1, 1];

/**
 * The address for the tasks of a namespace at the supervisor of a state directory. Undefined if none serves: a
 * supervisor is asked, since a connection alone might be to one that is just ending.
 *
 * @throws if one is there and does not answer, or refuses the namespace.
 */
export async function findTasks(state: string, namespace: string): Promise<string | undefined> {
  let address: string;
  try {
    address = readFileSync(addressFile(state), 'utf8').trim();
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw e;
  }
  const answer = await ask(address.replace(/^unix:\/\//, ''), question(namespace));
  if (answer === undefined) return undefined;
  const response = readFields(answer);
  const status = readFields(bytesOf(response, 1));
  if (status?.get(1) ?? 0) throw new Error(textOf(status, 2));
  return textOf(readFields(bytesOf(response, 2)), 1);
}

/** Undefined if nobody is there, or goes without an answer. */
function ask(path: string, request: Uint8Array): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the supervisor at ${path} is there and does not answer; is it stopped?`));
    }, PATIENCE_MS);
    const end = (answer?: Uint8Array) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    let got = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
      if (got.length < HEADER_BYTES) return;
      const length = HEADER_BYTES + got.readUInt32BE(0);
      if (got.length >= length) end(got.subarray(HEADER_BYTES, length));
    });
    socket.on('error', () => end());
    socket.on('close', () => end());
    socket.write(request);
  });
}

/** A ttrpc frame: `stowage.supervisor.v1.Shim/Open`. */
function question(namespace: string): Uint8Array {
  const request = writeFields({
    1: 'stowage.supervisor.v1.Shim',
    2: 'Open',
    3: writeFields({ 1: namespace }),
  });
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(request.length, 0);
  header.writeUInt32BE(STREAM_ID, 4);
  header[8] = REQUEST;
  return Buffer.concat([header, request]);
}
