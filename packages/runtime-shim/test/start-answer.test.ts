import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { BootstrapResultSchema } from '@stowage/api/runtime/bootstrap/v1';
import { parseStartAnswer } from '../src/start-answer.ts';

const text = (value: string) => new TextEncoder().encode(value);
const bytes = (init: { version: number; address: string; protocol: string }) =>
  toBinary(BootstrapResultSchema, create(BootstrapResultSchema, init));
const path = '/run/containerd/s/0123';

test.each([
  ['protobuf of version 3', bytes({ version: 3, address: `unix://${path}`, protocol: 'ttrpc' }), 3],
  ['protobuf of version 2', bytes({ version: 2, address: `unix://${path}`, protocol: 'TTRPC' }), 2],
  ['JSON', text(`{"version":3,"address":"unix://${path}","protocol":"ttrpc"}\n`), 3],
  ['JSON of version 2', text(`{"version":2,"address":"${path}","protocol":"ttrpc"}`), 2],
  ['an address', text(`unix://${path}`), 2],
  ['an address with a newline', text(`unix://${path}\n`), 2],
  ['a bare path', text(path), 2],
] as const)('%s is read', (_, answer, version) => {
  expect(parseStartAnswer(answer)).toEqual({ version, path });
});

test.each([
  ['nothing', text(''), 'unknown', /no address/],
  ['a warning before the address', text(`warning: x\nunix://${path}`), 'unknown', /no address/],
  ['half of a JSON answer', text('{"version":3,"addr'), 'unknown', /no address/],
  ['JSON without an address', text('{"version":3}'), 'unknown', /no address/],
  ['JSON null', text('null'), 'unknown', /no address/],
  [
    'version 4',
    text(`{"version":4,"address":"unix://${path}","protocol":"ttrpc"}`),
    'unimplemented',
    /version 4/,
  ],
  [
    'version 9 in protobuf',
    bytes({ version: 9, address: path, protocol: 'ttrpc' }),
    'unimplemented',
    /version 9/,
  ],
  ['grpc', text(`{"version":3,"address":"unix://${path}","protocol":"grpc"}`), 'unimplemented', /"grpc"/],
  ['an address in a virtual machine', text('vsock://3:1024'), 'unimplemented', /vsock:\/\/3:1024/],
  ['an abstract socket', text('unix://@containerd-shim/x.sock'), 'invalid_argument', /no path/],
  ['an abstract socket by its zero', text('unix://\0containerd-shim/x.sock'), 'invalid_argument', /no path/],
  ['107 bytes of path', text(`unix:///${'x'.repeat(106)}`), 'invalid_argument', /107 bytes, the most is 106/],
] as const)('%s is refused', (_, answer, kind, message) => {
  expect(() => parseStartAnswer(answer)).toThrow(message);
  try {
    parseStartAnswer(answer);
  } catch (e) {
    expect(e).toMatchObject({ kind });
  }
});
