import { expect, test } from '@jest/globals';
import { changeConfig } from '../src/image-changes.ts';

const config = { Cmd: ['old'], Env: ['PATH=/bin', 'A=1'], Labels: { a: '1' } };

test.each([
  ['CMD ["sh", "-c", "x"]', { Cmd: ['sh', '-c', 'x'] }],
  ['cmd echo $A', { Cmd: ['/bin/sh', '-c', 'echo $A'] }],
  ['ENV A=2 B="two words" C=x\\ y', { Env: ['PATH=/bin', 'A=2', 'B=two words', 'C=x y'] }],
  ['ENV A the rest', { Env: ['PATH=/bin', 'A=the rest'] }],
  ["LABEL b='2 3'", { Labels: { a: '1', b: '2 3' } }],
  ['EXPOSE 80 53/udp', { ExposedPorts: { '80/tcp': {}, '53/udp': {} } }],
  ['VOLUME ["/data", "/more"]', { Volumes: { '/data': {}, '/more': {} } }],
  ['USER 1000:1000', { User: '1000:1000' }],
  ['WORKDIR /srv', { WorkingDir: '/srv' }],
  ['STOPSIGNAL SIGINT', { StopSignal: 'SIGINT' }],
])('%s', (instruction, expected) => {
  expect(changeConfig([instruction])(config)).toEqual({ ...config, ...expected });
});

test('another entrypoint leaves the default command of the old one behind', () => {
  expect(changeConfig(['ENTRYPOINT ["/init"]'])(config)).not.toHaveProperty('Cmd');
  expect(changeConfig(['ENTRYPOINT ["/init"]', 'CMD ["x"]'])(config)).toMatchObject({
    Entrypoint: ['/init'],
    Cmd: ['x'],
  });
});

test('what makes no sense is refused before anything is made', () => {
  for (const bad of ['RUN x', 'CMD', 'WORKDIR here', 'EXPOSE http', 'ENV A'])
    expect(() => changeConfig([bad])).toThrow('--change');
});
