import { connect, type Socket } from 'node:net';
import { toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';

const [DATA, HEADERS, RST_STREAM, SETTINGS] = [0, 1, 3, 4];
const END_HEADERS = 4;
const CANCEL = 8;

/**
 * A call of the streaming service, frame by frame (RFC 9113): it can be reset as Go's clients reset theirs, which Node's
 * can't, because that ends what it sends first.
 */
export class RawCall {
  readonly #socket: Socket;

  constructor(path: string, namespace: string) {
    this.#socket = connect(path);
    this.#socket.resume();
    this.#socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    this.#frame(SETTINGS, 0, 0, Buffer.alloc(0));
    const fields = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', '/containerd.services.streaming.v1.Streaming/Stream'],
      [':authority', 'x'],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['containerd-namespace', namespace],
    ] as const;
    this.#frame(HEADERS, END_HEADERS, 1, Buffer.concat(fields.map(([name, value]) => literal(name, value))));
  }

  send(message: Any): void {
    const bytes = toBinary(AnySchema, message);
    const envelope = Buffer.alloc(5);
    envelope.writeUInt32BE(bytes.byteLength, 1);
    this.#frame(DATA, 0, 1, Buffer.concat([envelope, bytes]));
  }

  reset(): void {
    const code = Buffer.alloc(4);
    code.writeUInt32BE(CANCEL);
    this.#frame(RST_STREAM, 0, 1, code);
  }

  close(): void {
    this.#socket.destroy();
  }

  #frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.byteLength, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    this.#socket.write(Buffer.concat([head, payload]));
  }
}

/** A header field in plain text (RFC 7541, section 6.2.2); both parts are shorter than 127 bytes. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}
