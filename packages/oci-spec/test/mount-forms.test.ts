import { expect, test } from '@jest/globals';
import { parseMount, parseTmpfs, parseVolume } from '../src/index.ts';

const line = ({ destination, type, source, options }: ReturnType<typeof parseMount>) =>
  `${type} ${source} ${destination} ${options?.join()}`;

test.each([
  ['type=bind,src=/a,dst=/b,options=rbind:ro', 'bind /a /b rbind,ro'],
  ['type=bind,source=/a,target=/b', 'bind /a /b rbind'],
  ['src=/a,destination=/b,readonly', 'bind /a /b rbind,ro'],
  ['type=bind,src=/a,dst=/b,ro=true,bind-propagation=rslave', 'bind /a /b rbind,ro,rslave'],
  ['type=bind,src=/a,dst=/b,readonly=false', 'bind /a /b rbind'],
  ['type=bind,src=/a,dst=/b,options=bind', 'bind /a /b bind'],
  ['type=bind,"src=/a,b",dst=/b', 'bind /a,b /b rbind'],
  ['type=tmpfs,dst=/t', 'tmpfs tmpfs /t nosuid,nodev,noexec'],
  [
    'type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1777',
    'tmpfs tmpfs /t nosuid,nodev,noexec,size=64m,mode=1777',
  ],
  ['type=tmpfs,dst=/t,options=noexec:size=5%', 'tmpfs tmpfs /t noexec,size=5%'],
  ['type=proc,dst=/p', 'proc proc /p '],
])('mount %s', (text, expected) => {
  expect(line(parseMount(text))).toBe(expected);
});

test.each([
  ['/a:/b', 'bind /a /b rbind,rprivate'],
  ['/a:/b:ro', 'bind /a /b rbind,ro,rprivate'],
  ['/a:/b:rw,rshared', 'bind /a /b rbind,rw,rshared'],
])('volume %s', (text, expected) => {
  expect(line(parseVolume(text))).toBe(expected);
});

test.each([
  ['/t', 'tmpfs tmpfs /t nosuid,nodev,noexec'],
  ['/t:size=64m,mode=1777', 'tmpfs tmpfs /t nosuid,nodev,noexec,size=64m,mode=1777'],
  ['/t:exec,uid=1000', 'tmpfs tmpfs /t nosuid,nodev,exec,uid=1000'],
])('tmpfs %s', (text, expected) => {
  expect(line(parseTmpfs(text))).toBe(expected);
});

test.each([
  () => parseMount(''),
  () => parseMount('type=bind,src=/a'),
  () => parseMount('type=bind,dst=/a'),
  () => parseMount('type=bind,src=a,dst=/b'),
  () => parseMount('type=bind,src=/a,dst=b'),
  () => parseMount('type=bind,src=/a,dst=/b/../..'),
  () => parseMount('type=bind,src=/a,src=/c,dst=/b'),
  () => parseMount('type=bind,src=/a,dst=/b,sauce=/x'),
  () => parseMount('type=bind,src=/a,dst=/b,bind-propagation=up'),
  () => parseMount('type=bind,src=/a,dst=/b,tmpfs-size=1m'),
  () => parseMount('type=bind,src=/a,dst=/b,readonly=maybe'),
  () => parseMount('type=bind,"src=/a,dst=/b'),
  () => parseMount('type=volume,src=data,dst=/b'),
  () => parseMount('type=bind,src=/a\0,dst=/b'),
  () => parseMount('__proto__=x,src=/a,dst=/b'),
  () => parseVolume('/a'),
  () => parseVolume('data:/b'),
  () => parseVolume('./a:/b'),
  () => parseVolume('/a:b'),
  () => parseVolume('/a:/b:ro:x'),
  () => parseVolume('/a:/b:suid'),
  () => parseTmpfs('t'),
  () => parseTmpfs('/t:size=lots'),
  () => parseTmpfs('/t:mode=9'),
  () => parseTmpfs('/t:context=x'),
])('%s is refused', (make) => {
  expect(make).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});
