import { expect, test } from '@jest/globals';
import { composeSpec, MAX_USER_FILE_BYTES, type UserFiles, withArgs, withUser } from '../src/index.ts';

// Names that look like numbers map to root, as a hostile image would have it.
const files: UserFiles = {
  passwd: Buffer.from(
    [
      'root:x:0:0:root:/root:/bin/sh',
      '# a comment',
      '',
      'broken:line',
      'web:x:1000:1000::/home/web:/bin/sh',
      'huge:x:4294967296:0::/:/bin/sh',
      'negative:x:-1:0::/:/bin/sh',
      'empty:x::0::/:/bin/sh',
      'octal:x:0x0:0::/:/bin/sh',
      'www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin',
      'host$:x:1001:1001::/:/bin/sh',
      '-1:x:0:0::/:/bin/sh',
      '0x0:x:0:0::/:/bin/sh',
      '1e3:x:0:0::/:/bin/sh',
      '2147483648:x:0:0::/:/bin/sh',
      '4294967296:x:0:0::/:/bin/sh',
      '99999999999999999999:x:0:0::/:/bin/sh',
      '+5:x:0:0::/:/bin/sh',
      '１０:x:0:0::/:/bin/sh',
      'web:x:2000:2000:second:/:/bin/sh',
    ].join('\n'),
  ),
  group: Buffer.from(
    [
      'root:x:0:root',
      'web:x:1000:web',
      'video:x:44:web,root',
      'audio:x:29:web',
      'audio2:x:29:web',
      'big:x:4294967297:web',
      '-1:x:0:',
      'none:x:50:',
    ].join('\n'),
  ),
};
const lookup = async () => files;
const spec = (user: string, from: typeof lookup | undefined = lookup) =>
  composeSpec({ namespace: 'n', id: 'c' }, withArgs('true'), withUser(user, from));

test.each([
  ['0', 0, 0, [0, 44]],
  ['root', 0, 0, [0, 44]],
  ['0000', 0, 0, [0, 44]],
  ['web', 1000, 1000, [1000, 44, 29]],
  ['1000', 1000, 1000, [1000, 44, 29]],
  ['01000', 1000, 1000, [1000, 44, 29]],
  ['web:0', 1000, 0, [0, 44, 29]],
  ['web:video', 1000, 44, [44, 29]],
  ['1000:audio', 1000, 29, [29, 44]],
  ['1000:50', 1000, 50, [50, 44, 29]],
  ['33', 33, 33, [33]],
  ['www-data', 33, 33, [33]],
  ['www-data:none', 33, 50, [50]],
  ['host$', 1001, 1001, [1001]],
  ['65534', 65534, 0, [0]],
  ['2147483647', 2147483647, 0, [0]],
  ['2147483647:2147483647', 2147483647, 2147483647, [2147483647]],
  ['0:0', 0, 0, [0, 44]],
])('user %s', async (user, uid, gid, additionalGids) => {
  expect((await spec(user)).process?.user).toEqual({ uid, gid, additionalGids });
});

test.each([
  '',
  ':',
  ':0',
  '0:',
  'web:',
  '0:0:0',
  '2147483648',
  '0:2147483648',
  '4294967295',
  '4294967296',
  '99999999999999999999',
  '9'.repeat(400),
  '-1',
  '0:-1',
  '-0',
  '+0',
  '+5',
  '0x0',
  '0X0',
  '0b0',
  '0o0',
  '1e3',
  '1.0',
  '0.5',
  '1_000',
  '1000abc',
  ' 0',
  '0 ',
  '0\n',
  'root\n',
  'ro ot',
  'root,web',
  '../root',
  'root/x',
  '１０',
  '٠',
  'NaN:0x0',
  '0\0',
  'root\0',
  '$root',
  'a'.repeat(300),
])('user %j is neither id nor name', async (user) => {
  // Checked when the option is made, before anything is looked up.
  const never = async (): Promise<UserFiles> => {
    throw new Error('looked up');
  };
  expect(() => withUser(user, never)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test.each([
  'absent',
  'huge',
  'negative',
  'empty',
  'octal',
  'broken',
  'web:absent',
  'web:big',
  'Infinity',
  '__proto__',
])('user %s is not in the image', async (user) => {
  await expect(spec(user)).rejects.toMatchObject({ kind: 'not_found' });
});

test('a name without a lookup is refused, a number is not', async () => {
  const without = (user: string) =>
    composeSpec({ namespace: 'n', id: 'c' }, withArgs('true'), withUser(user));
  await expect(without('web')).rejects.toMatchObject({ kind: 'failed_precondition' });
  await expect(without('0:video')).rejects.toMatchObject({ kind: 'failed_precondition' });
  expect((await without('1000')).process?.user).toEqual({ uid: 1000, gid: 0, additionalGids: [0] });
  expect((await without('1000:7')).process?.user).toEqual({ uid: 1000, gid: 7, additionalGids: [7] });
});

test('an image without user files', async () => {
  const empty = async (): Promise<UserFiles> => ({});
  expect((await spec('5', empty)).process?.user).toEqual({ uid: 5, gid: 0, additionalGids: [0] });
  await expect(spec('root', empty)).rejects.toMatchObject({ kind: 'not_found' });
});

test('files beyond the bound are refused, a million lines within it are not', async () => {
  const large = new Uint8Array(MAX_USER_FILE_BYTES + 1);
  await expect(spec('web', async () => ({ passwd: large }))).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringContaining('/etc/passwd'),
  });
  const lines = Buffer.from(`${':\n'.repeat(1_000_000)}last:x:7:8::/:\n`);
  expect((await spec('last', async () => ({ passwd: lines }))).process?.user).toMatchObject({
    uid: 7,
    gid: 8,
  });
});
