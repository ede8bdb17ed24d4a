import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demoArchive, mustCtr, type Program, startContainerd, until } from '@stowage/testing';
import { mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';
import { uiCalls } from '../ui-calls.ts';

const IMAGE = 'example.org/demo:1';
let containerd: (Program & { readonly address: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await containerd?.[Symbol.asyncDispose]();
});

const suite = withDaemon('cli-ui');
const addresses = () => ({ stowaged: suite.daemon.address, containerd: containerd?.address ?? '' });
const SERVICES = 'containerd.services';
const KEPT = { object: { kind: 'images', name: IMAGE } };
const TICKS = 'echo up; i=0; while true; do i=$((i+1)); sleep 0.1; done';

beforeAll(async () => {
  containerd = await startContainerd(join(suite.dir, 'containerd'));
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  for (const address of Object.values(addresses())) await mustCtr(address, ['images', 'import', archive]);
}, 60_000);

test.each(['stowaged', 'containerd'] as const)(
  'what the page asks is answered before %s: calls, containers, a log, a terminal',
  async (which) => {
    const address = addresses()[which];
    const must = (...args: string[]) => mustStowage(address, args);
    await must('run', '-d', '--name', 'web', IMAGE, 'sh', '-c', TICKS);
    await using ui = await uiCalls(address, suite.namespace);
    expect(await ui.call('/host/About')).toMatchObject({
      namespace: suite.namespace,
      version: expect.any(String),
    });
    const { containers } = await ui.call(`/${SERVICES}.containers.v1.Containers/List`);
    expect(containers).toMatchObject([
      { id: 'web', image: IMAGE, spec: { value: { process: { args: ['sh', '-c', TICKS] } } } },
    ]);
    const { usage } = await ui.call('/host/Usage');
    expect(usage).toMatchObject([{ id: 'web', cpuNs: expect.stringMatching(/^\d+$/) }]);
    expect(await ui.call('/stowage.gc.v1.GarbageCollection/Explain', KEPT)).toMatchObject({
      verdict: 'VERDICT_KEPT',
    });

    const log: string[] = [];
    await ui.open('/host/logs?id=web', (text) => log.push(text));
    await until('the log', () => log.some((line) => JSON.parse(line).text === 'up'));
    let shown = '';
    const terminal = await ui.open('/host/exec?id=web&arg=sh&columns=91&rows=17', (text) => {
      shown += text;
    });
    terminal.send(Buffer.from('stty size; exit 6\n'));
    await until('its end', () => shown.includes('{"exitStatus":6}'));
    expect(shown).toContain('17 91');

    expect(await ui.call('/host/Remove', { id: 'web' })).toMatchObject({ code: 'failed_precondition' });
    expect(await ui.call('/host/Stop', { id: 'none' })).toMatchObject({ code: 'not_found' });
    const kill = { containerId: 'web', signal: 9, all: true };
    expect(await ui.call(`/${SERVICES}.tasks.v1.Tasks/Kill`, kill)).toEqual({});
    await until('the end of the log', () => log.some((line) => JSON.parse(line).ended === true));
    expect(await ui.call('/host/Start', { id: 'web' })).toEqual({});
    expect(await must('ps', '-q')).toBe('web\n');
    expect(await ui.call('/host/Remove', { id: 'web', force: true })).toEqual({});
    expect(await must('ps', '-aq')).toBe('');
    ui.serving.child.kill('SIGINT');
    expect(await ui.serving.end).toMatchObject({ code: 0 });
    expect(ui.serving.out()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}\n$/);
  },
  60_000,
);

test('it says what is the matter, and serves nothing', async () => {
  const ui = (address: string, ...flags: string[]) => stowage(address, ['ui', ...flags]);
  const { address } = suite.daemon;
  expect(await ui('/nowhere.sock')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('/nowhere.sock'),
  });
  for (const listen of ['example.org:80', '127.0.0.1', '127.0.0.1:70000', '::1:80'])
    expect(await ui(address, '--listen', listen)).toMatchObject({
      ...{ code: 1, stdout: '', stderr: expect.stringContaining('expected an IP address and a port') },
    });
  await using other = await uiCalls(address, suite.namespace);
  const { host } = new URL(other.serving.out());
  expect(await ui(address, '--listen', host)).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining('somebody listens there already') },
  });
}, 40_000);
