import { fromBinary } from '@bufbuild/protobuf';
import { BootstrapResultSchema } from '@stowage/api/runtime/bootstrap/v1';
import { Fault, quote } from '@stowage/core';

/** How a shim is reached. */
export interface Bootstrap {
  /** Of the task API. */
  readonly version: 2 | 3;
  /** Path of its unix socket. */
  readonly path: string;
}

const LATEST = 3;
/** What fits into sun_path with the zero that Go leaves at its end. */
const MOST_PATH_BYTES = 106;
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//;

export interface Answer {
  readonly version: number;
  readonly address: string;
  readonly protocol: string;
}

/**
 * Reads what `<shim> start` printed: protobuf BootstrapResult, else JSON `{"version", "address", "protocol"}`, else an
 * address alone, which means version 2 over ttrpc.
 *
 * @throws Fault `unknown` for what is none of these, `unimplemented` for versions, protocols and addresses that nobody
 *   here speaks, `invalid_argument` for an address that can be none.
 * @see containerd core/runtime/v2/shim.go parseStartResponse
 */
export function parseStartAnswer(bytes: Uint8Array): Bootstrap {
  const text = Buffer.from(bytes).toString('utf8').trim();
  const answer = fromProtobuf(bytes) ?? fromJson(text) ?? fromAddress(text);
  if (answer === undefined) throw new Fault('unknown', 'the answer is no address and no bootstrap result');
  return bootstrapOf(answer);
}

/**
 * @throws Fault `unimplemented` for versions, protocols and addresses that nobody here speaks, `invalid_argument` for an
 *   address that can be none.
 */
export function bootstrapOf({ version, protocol, address }: Answer): Bootstrap {
  if (version > LATEST) {
    throw new Fault(
      'unimplemented',
      `the shim serves version ${version}, the latest known here is ${LATEST}`,
    );
  }
  if (protocol !== 'ttrpc') throw new Fault('unimplemented', `the shim speaks ${quote(protocol)}, not ttrpc`);
  return { version: version === 3 ? 3 : 2, path: unixPath(address) };
}

function fromProtobuf(bytes: Uint8Array): Answer | undefined {
  try {
    const { version, address, protocol, $unknown = [] } = fromBinary(BootstrapResultSchema, bytes);
    if (version < 2 || address === '' || $unknown.length > 0) return undefined;
    return { version, address, protocol: protocol.toLowerCase() };
  } catch {
    return undefined;
  }
}

function fromJson(text: string): Answer | undefined {
  let value: Partial<Record<keyof Answer, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { version, address, protocol } = value ?? {};
  if (typeof version !== 'number' || version < 2 || typeof address !== 'string') return undefined;
  return { version, address, protocol: typeof protocol === 'string' ? protocol.toLowerCase() : '' };
}

function fromAddress(text: string): Answer | undefined {
  const isOne = /^\S+$/.test(text) && (text.startsWith('/') || SCHEME.test(text));
  return isOne ? { version: 2, address: text, protocol: 'ttrpc' } : undefined;
}

/** Abstract sockets are refused: anybody in the network namespace could have bound one. */
function unixPath(address: string): string {
  const scheme = SCHEME.exec(address)?.[1];
  if (scheme !== undefined && scheme !== 'unix') {
    throw new Fault(
      'unimplemented',
      `the shim listens at ${quote(address)}: only unix sockets are reached here`,
    );
  }
  const path = scheme === undefined ? address : address.slice('unix://'.length);
  const bytes = Buffer.byteLength(path);
  if (!path.startsWith('/') || path.includes('\0')) {
    throw new Fault(
      'invalid_argument',
      `the shim listens at ${quote(address)}, which is no path of a socket`,
    );
  }
  if (bytes > MOST_PATH_BYTES) {
    const reason = `is ${bytes} bytes, the most is ${MOST_PATH_BYTES}`;
    throw new Fault('invalid_argument', `the shim listens at ${quote(path)}, which ${reason}`);
  }
  return path;
}
