import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 3, 4, 6, 7, 8];
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const CANCEL = 8;

/**
 * An HTTP/2 client that knows frames and nothing else: it keeps no account of what arrives for streams that it has
 * cancelled. (Node's own does, as of 24, and ends the connection over answers that crossed a cancellation.)
 */
export class RawHttp2 {
  readonly goaways: number[] = [];
  readonly #socket: Socket;
  readonly #ended = new Map<number, () => void>();
  #next = 1;
  #rest = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#take(bytes));
    // The server may hang up while we write; `closed` tells.
    socket.on('error', () => {});
  }

  static async connect(path: string): Promise<RawHttp2> {
    const socket = connect(path);
    await once(socket, 'connect');
    const client = new RawHttp2(socket);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    client.#send(SETTINGS, 0, 0);
    client.#send(WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0, 0, 0]));
    return client;
  }

  get closed(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded;
  }

  /** Sends a gRPC call with an empty message. @returns its stream. */
  call(path: string): number {
    const stream = this.#next;
    this.#next += 2;
    const fields = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', path],
      [':authority', 'x'],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ];
    this.#send(
      HEADERS,
      END_HEADERS,
      stream,
      Buffer.concat(fields.map(([name, value]) => literal(name, value))),
    );
    this.#send(DATA, END_STREAM, stream, Buffer.alloc(5));
    return stream;
  }

  cancel(stream: number): void {
    this.#send(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, CANCEL]));
  }

  /** Settles when the server has ended the stream. */
  ended(stream: number): Promise<void> {
    return new Promise((resolve) => this.#ended.set(stream, resolve));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #send(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): void {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    this.#socket.write(Buffer.concat([head, payload]));
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const [type, flags = 0] = [this.#rest[3], this.#rest[4]];
      const stream = this.#rest.readUInt32BE(5);
      const payload = this.#rest.subarray(9, 9 + length);
      this.#rest = this.#rest.subarray(9 + length);
      if (type === SETTINGS && (flags & ACK) === 0) this.#send(SETTINGS, ACK, 0);
      if (type === PING && (flags & ACK) === 0) this.#send(PING, ACK, 0, payload);
      if (type === GOAWAY) this.goaways.push(payload.readUInt32BE(4));
      if ((type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0) this.#ended.get(stream)?.();
    }
  }
}

/** A header field without compression (RFC 7541 §6.2.2). */
function literal(name = '', value = ''): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}
