import { expect, test } from '@jest/globals';
import { Containers } from '@stowage/api/containers/v1';
import { Events } from '@stowage/api/events/v1';
import { Version } from '@stowage/api/version/v1';
import { ruleOf } from '../src/access.ts';
import { parseConfig } from '../src/config/load.ts';

const access = new Map([
  ['uid:1000', ['dev']],
  ['gid:50', ['ci', 'dev']],
  ['cn:ops', ['*']],
]);
const call = (
  method: (typeof Containers.method)[keyof typeof Containers.method] | unknown,
  namespace: string | null,
) =>
  ({ method, requestField: (name: string) => (name === 'containerd-namespace' ? namespace : null) }) as never;

test.each([
  [['uid:0', 'gid:0'], 'dev', true],
  [['cn:ops'], 'whatever', true],
  [['uid:1000', 'gid:1000'], 'dev', true],
  [['uid:1000', 'gid:1000'], 'ci', false],
  [['uid:1000', 'gid:50'], 'ci', true],
  [['uid:7', 'gid:7'], 'dev', false],
  [['cn:other'], 'dev', false],
  [['uid:1000'], null, false],
])('%j in namespace %s: may call: %s', (who, namespace, may) => {
  const admit = () => ruleOf(access, who)?.admit(call(Containers.method.list, namespace));
  if (may) expect(admit).not.toThrow();
  else expect(admit).toThrow(/containers.v1.Containers\/List: .* may use/);
});

test('what concerns all namespaces is for who may use all; what tells nothing of anybody is for everyone', () => {
  const rule = ruleOf(access, ['uid:1000']);
  expect(() => rule?.admit(call(Events.method.subscribe, 'dev'))).toThrow(/it concerns all namespaces/);
  expect(() => rule?.admit(call(Version.method.version, null))).not.toThrow();
  expect(ruleOf(access, ['cn:ops'])).toBeUndefined();
});

test('rules are read, and what they are about is checked', () => {
  expect(parseConfig({}, 'x').access).toBeUndefined();
  const table = { 'uid:1000': ['dev'], 'cn:a b': ['*'] };
  expect([...(parseConfig({ access: table }, 'x').access ?? [])]).toEqual(Object.entries(table));
  expect(() => parseConfig({ access: { 'user:x': ['dev'] } }, 'x')).toThrow(
    /access\."user:x": expected "uid:<number>"/,
  );
});
