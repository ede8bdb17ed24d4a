import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';

const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 3, 4, 6, 7, 8];
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const INITIAL_WINDOW_SIZE = 4;
const LARGEST_WINDOW = 0x7fffffff;
const FIRST_WINDOW = 0xffff;

type Method = DescMethod & { readonly input: DescMessage; readonly output: DescMessage };

interface Call {
  readonly settle: (body: Buffer) => void;
  readonly fail: (e: Error) => void;
  readonly path: string;
  readonly body: Buffer[];
}

/**
 * Calls gRPC methods with as little work of its own as can be, so that what is measured is the server: it writes
 * HTTP/2 frames, knows headers only by their bytes, and reads from an answer its message. Of a failure it knows no
 * more than that there was no message. Requests must fit into one frame.
 */
export class LoadClient implements Disposable {
  readonly #socket: Socket;
  readonly #calls = new Map<number, Call>();
  readonly #headers: readonly (readonly [string, string])[];
  readonly #heads = new Map<string, Buffer>();
  #next = 1;
  #rest: Buffer = Buffer.alloc(0);
  #unannounced = 0;

  private constructor(socket: Socket, headers: Readonly<Record<string, string>>) {
    this.#socket = socket;
    this.#headers = Object.entries(headers);
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('error', (e) => this.#failAll(e));
    socket.on('close', () => this.#failAll(new Error('the server closed the connection')));
  }

  /** @param headers - Sent with every call. */
  static async connect(address: string, headers: Readonly<Record<string, string>>): Promise<LoadClient> {
    const socket = connect(address);
    await once(socket, 'connect');
    const client = new LoadClient(socket, headers);
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(INITIAL_WINDOW_SIZE, 0);
    settings.writeUInt32BE(LARGEST_WINDOW, 2);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(frame(SETTINGS, 0, 0, settings));
    socket.write(frame(WINDOW_UPDATE, 0, 0, uint32(LARGEST_WINDOW - FIRST_WINDOW)));
    return client;
  }

  /**
   * Calls a method with one message.
   *
   * @returns the first message of the answer.
   * @throws if there is none.
   */
  async call<M extends Method>(
    method: M,
    request: MessageInitShape<M['input']>,
    more: Readonly<Record<string, string>> = {},
  ): Promise<MessageShape<M['output']>> {
    const bytes = await this.callBytes(method, toBinary(method.input, create(method.input, request)), more);
    return fromBinary(method.output, bytes) as MessageShape<M['output']>;
  }

  /** As `call`, with the messages as they are on the wire. */
  callBytes(method: DescMethod, request: Uint8Array, more: Readonly<Record<string, string>> = {}) {
    const path = `/${method.parent.typeName}/${method.name}`;
    const head = this.#head(path, more);
    const stream = this.#next;
    this.#next += 2;
    const data = Buffer.alloc(5 + request.length);
    data.writeUInt32BE(request.length, 1);
    data.set(request, 5);
    this.#socket.write(
      Buffer.concat([frame(HEADERS, END_HEADERS, stream, head), frame(DATA, END_STREAM, stream, data)]),
    );
    return new Promise<Buffer>((settle, fail) => this.#calls.set(stream, { settle, fail, path, body: [] }));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #head(path: string, more: Readonly<Record<string, string>>): Buffer {
    const key = `${path} ${JSON.stringify(more)}`;
    let head = this.#heads.get(key);
    if (head === undefined) {
      const fields = [
        [':method', 'POST'],
        [':scheme', 'http'],
        [':path', path],
        [':authority', 'localhost'],
        ['content-type', 'application/grpc'],
        ['te', 'trailers'],
        ...this.#headers,
        ...Object.entries(more),
      ];
      head = Buffer.concat(fields.map(([name, value]) => literal(name, value)));
      this.#heads.set(key, head);
    }
    return head;
  }

  #take(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (rest.length >= 9) {
      const length = rest.readUIntBE(0, 3);
      if (rest.length < 9 + length) break;
      this.#frame(rest[3] ?? 0, rest[4] ?? 0, rest.readUInt32BE(5), rest.subarray(9, 9 + length));
      rest = rest.subarray(9 + length);
    }
    this.#rest = rest;
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === SETTINGS && (flags & ACK) === 0) this.#socket.write(frame(SETTINGS, ACK, 0));
    if (type === PING && (flags & ACK) === 0) this.#socket.write(frame(PING, ACK, 0, payload));
    if (type === GOAWAY) this.#failAll(new Error(`the server sent GOAWAY ${payload.readUInt32BE(4)}`));
    const call = this.#calls.get(stream);
    if (type === DATA) {
      call?.body.push(payload);
      this.#widen(payload.length);
    }
    if (call === undefined) return;
    if (type === RST_STREAM) this.#end(stream, call);
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) this.#end(stream, call);
  }

  #end(stream: number, { settle, fail, path, body }: Call): void {
    this.#calls.delete(stream);
    const whole = body.length === 1 ? (body[0] as Buffer) : Buffer.concat(body);
    const length = whole.length < 5 ? Number.POSITIVE_INFINITY : whole.readUInt32BE(1);
    if (whole.length < 5 + length) fail(new Error(`${path} answered without a message`));
    else settle(whole.subarray(5, 5 + length));
  }

  /** Streams have a window that nobody fills; that of the connection must be opened again. */
  #widen(bytes: number): void {
    this.#unannounced += bytes;
    if (this.#unannounced < LARGEST_WINDOW / 4) return;
    this.#socket.write(frame(WINDOW_UPDATE, 0, 0, uint32(this.#unannounced)));
    this.#unannounced = 0;
  }

  #failAll(e: Error): void {
    for (const { fail } of this.#calls.values()) fail(e);
    this.#calls.clear();
  }
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, 9);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A header field without compression (RFC 7541 §6.2.2); name and value are shorter than 127 bytes. */
function literal(name = '', value = ''): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}
