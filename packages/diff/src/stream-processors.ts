import { type Descriptor, Fault, MEDIA_TYPE, type TypedBytes } from '@stowage/core';
import { inflated } from './inflate.ts';
import { isLayerType } from './layer-type.ts';
import { throughProgram } from './through-program.ts';

/**
 * A program that turns bytes of some media types into another: it reads stdin, writes stdout, and fails with a word on
 * stderr. The media type it gets is in `STREAM_PROCESSOR_MEDIATYPE`, and descriptor 3 has the payload that the client sent
 * for its id, as a `google.protobuf.Any`, if it sent one.
 *
 * @see containerd docs/stream_processors.md
 */
export interface StreamProcessor {
  readonly id: string;
  /** Media types. */
  readonly accepts: readonly string[];
  readonly returns: string;
  /** Absolute. */
  readonly path: string;
  readonly args: readonly string[];
  /** All of its environment but the media type, unlike containerd, which adds the daemon's. */
  readonly env: Readonly<Record<string, string>>;
}

export interface PlainLayerOptions {
  readonly processors: readonly StreamProcessor[];
  readonly payloads: Readonly<Record<string, TypedBytes>> | undefined;
  /** Path of a program to inflate gzip with. */
  readonly gunzip: string | undefined;
}

/** More than that one after another is a circle of processors. */
const MOST_PROCESSORS = 16;

/**
 * How to make an archive of a layer: through the processors that its media type asks for, one after the other until it is
 * that of a layer, and inflated.
 *
 * @throws Fault `unimplemented` if no processor leads to a layer; `failed_precondition` if they go in circles.
 */
export function plainLayer(
  { digest, mediaType }: Descriptor,
  { processors, payloads, gunzip }: PlainLayerOptions,
): (source: AsyncIterable<Uint8Array>, signal: AbortSignal) => AsyncIterable<Uint8Array> {
  const steps: { readonly processor: StreamProcessor; readonly type: string }[] = [];
  for (let type = mediaType; ; ) {
    // Also for a type that is known here: whoever sets a program up for it wants it used.
    const processor = processors.findLast(({ accepts }) => accepts.includes(type));
    if (processor === undefined || (steps.length > 0 && type === MEDIA_TYPE.ociLayer)) {
      if (isLayerType(type)) break;
      throw new Fault('unimplemented', `apply ${digest}: ${type} is no layer known here`);
    }
    if (steps.length === MOST_PROCESSORS) {
      throw new Fault(
        'failed_precondition',
        `apply ${digest}: stream processors lead from ${type} in circles`,
      );
    }
    steps.push({ processor, type });
    type = processor.returns;
  }
  return (source, signal) => {
    let bytes = source;
    for (const { processor, type } of steps) bytes = processed(processor, type, payloads, bytes, signal);
    return inflated(bytes, signal, gunzip);
  };
}

function processed(
  { id, path, args, env }: StreamProcessor,
  type: string,
  payloads: PlainLayerOptions['payloads'],
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const payload = payloads !== undefined && Object.hasOwn(payloads, id) ? payloads[id] : undefined;
  const program = {
    path,
    args,
    env: { ...env, STREAM_PROCESSOR_MEDIATYPE: type },
    payload: payload && anyBytes(payload),
    purpose: `stream processor ${id}`,
  };
  return throughProgram(program, source, signal);
}

/** The bytes of a `google.protobuf.Any`: two fields, each with its length in front. */
function anyBytes({ typeUrl, value }: TypedBytes): Uint8Array {
  const url = Buffer.from(typeUrl);
  return Buffer.concat([
    Buffer.of(0x0a),
    varint(url.length),
    url,
    Buffer.of(0x12),
    varint(value.length),
    value,
  ]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, rest);
}
