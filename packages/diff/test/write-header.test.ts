import { expect, test } from '@jest/globals';
import { TarReader } from '../src/tar/reader.ts';
import type { ByteSource } from '../src/tar/source.ts';
import { type HeaderFields, headerBlocks } from '../src/tar/write-header.ts';

const plain: HeaderFields = {
  type: '0',
  name: 'a/b',
  linkname: '',
  mode: 0o4755,
  uid: 1000,
  gid: 7,
  size: 0,
  mtimeNs: 1_600_000_000_000_000_000n,
  devmajor: 0,
  devminor: 0,
  xattrs: new Map(),
};

function sourceOf(bytes: Uint8Array): ByteSource {
  let at = 0;
  return {
    peek: () => bytes.subarray(at),
    take(size) {
      at += size;
    },
  };
}

function read(fields: HeaderFields) {
  const reader = new TarReader(sourceOf(headerBlocks(fields)));
  const entry = reader.next();
  return { entry, left: reader.left };
}

const deep = 'd'.repeat(99);
test.each<[string, Partial<HeaderFields>, number]>([
  ['what fits a ustar block', {}, 512],
  ['the longest name that fits', { name: 'n'.repeat(100) }, 512],
  ['a name that is cut in two', { name: `${deep}/${'n'.repeat(100)}` }, 512],
  ['a directory cut in two', { type: '5', name: `${deep}/${deep}/` }, 512],
  ['a base too long for that', { name: `${deep}/${'n'.repeat(101)}` }, 1536],
  ['a directory whose only slash is its last', { type: '5', name: `${'n'.repeat(101)}/` }, 1536],
  ['a name of four thousand directories', { name: `${'d/'.repeat(4096)}n` }, 512 * 19],
  ['a name that is not ASCII', { name: 'caf\xc3\xa9' }, 1536],
  ['a name that is no text', { name: '\xff\xfe\n\x01' }, 1536],
  ['a name with a newline', { name: 'a\nb' }, 512],
  ['a long link', { type: '2', linkname: 'l'.repeat(101) }, 1536],
  ['a link that is no text', { type: '2', linkname: '\xff' }, 1536],
  ['the longest link that fits', { type: '2', linkname: 'l'.repeat(100) }, 512],
  ['a hard link', { type: '1', linkname: 'a/c' }, 512],
  ['the largest owner that fits', { uid: 0o7777777, gid: 0o7777777 }, 512],
  ['larger owners', { uid: 0o10000000, gid: 4_294_967_294 }, 1536],
  ['the largest size that fits', { size: 8 * 2 ** 30 - 1 }, 512],
  ['a larger size', { size: 8 * 2 ** 30 }, 1536],
  ['a time with nanoseconds', { mtimeNs: 1_600_000_000_000_000_001n }, 1536],
  ['a time before 1970', { mtimeNs: -1_500_000_000n }, 1536],
  ['a time after the octal ones', { mtimeNs: 8_589_934_592_000_000_000n }, 1536],
  ['a device', { type: '4', devmajor: 4095, devminor: 1_048_575 }, 512],
  ['a FIFO', { type: '6' }, 512],
  [
    'attributes',
    {
      xattrs: new Map([
        ['user.b', Buffer.from([0, 10, 255, 61])],
        ['security.capability', Buffer.from('\x01')],
      ]),
    },
    1536,
  ],
  // The length of a record counts its own digits.
  ...[86, 87, 88, 89, 90].map((size): [string, Partial<HeaderFields>, number] => [
    `an attribute of ${size} bytes`,
    { xattrs: new Map([['k', Buffer.alloc(size)]]) },
    1536,
  ]),
])('%s reads as it was written', (_, some, bytes) => {
  const fields = { ...plain, ...some };
  expect(headerBlocks(fields)).toHaveLength(bytes);
  const { entry, left } = read(fields);
  const { name, linkname, mode, uid, gid, mtimeNs, devmajor, devminor } = fields;
  expect(entry).toMatchObject({ name, linkname, mode, uid, gid, mtimeNs, devmajor, devminor });
  expect(left).toBe(fields.type === '0' ? fields.size : 0);
  expect([...(entry?.xattrs ?? [])].map(([key, value]) => [key, Buffer.from(value)])).toEqual(
    [...fields.xattrs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, Buffer.from(value)]),
  );
});

test('the order in which attributes come changes nothing', () => {
  const pairs: [string, Uint8Array][] = [
    ['user.b', Buffer.from('1')],
    ['user.a', Buffer.from('2')],
  ];
  const one = headerBlocks({ ...plain, xattrs: new Map(pairs) });
  expect(headerBlocks({ ...plain, xattrs: new Map(pairs.reverse()) })).toEqual(one);
});

test('an attribute that no record can hold is refused', () => {
  expect(() => headerBlocks({ ...plain, xattrs: new Map([['user.a=b', Buffer.from('')]]) })).toThrow(
    'user.a=b',
  );
});
