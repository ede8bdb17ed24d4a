import { describe, expect, test } from '@jest/globals';
import { FORMS, house, newSandbox, request } from './fixtures/forms.ts';

describe.each(FORMS)('%s', (name, form) => {
  test('a sandbox lives: made, started, stopped, shut down', async () => {
    const at = await house();
    const controller = form(at);
    const wanted = request('pod', { a: 'b' });
    await controller.create(wanted);
    expect(at.memory.held.get('n/pod')?.request).toEqual({
      ...wanted,
      sandbox: {
        ...wanted.sandbox,
        runtime: name === 'remote' ? { name: 'r', options: undefined } : { name: 'r' },
      },
    });
    await expect(controller.create(wanted)).rejects.toMatchObject({ kind: 'already_exists' });
    expect(await controller.start('pod')).toEqual({
      ...{ id: 'pod', pid: 42, createdAt: new Date(1_700_000_000_123), labels: { a: '1' } },
      ...{ address: 'ttrpc+unix:///run/sandbox.sock', version: 3, spec: wanted.sandbox.spec },
    });
    await expect(controller.start('pod')).rejects.toMatchObject({ kind: 'failed_precondition' });
    expect(await controller.platform('pod')).toEqual({ os: 'linux', architecture: 'arm', variant: 'v7' });
    expect(await controller.status('pod', { verbose: true })).toMatchObject({
      state: 'SANDBOX_READY',
      info: { more: 'yes' },
      exitedAt: undefined,
    });
    expect(await controller.metrics('pod')).toMatchObject({
      id: 'pod',
      data: { typeUrl: 'io.containerd.cgroups.v2.Metrics' },
    });
    await controller.update(newSandbox('pod', { labels: { l: '2' } }), ['labels.l', 'extensions.a.b']);
    expect(at.memory.updates).toMatchObject([
      { sandbox: { id: 'pod', labels: { l: '2' } }, paths: ['labels.l', 'extensions.a.b'] },
    ]);
    const exit = controller.wait('pod');
    await controller.stop('pod', { timeoutSeconds: 3 });
    expect(at.memory.stops.at(-1)).toMatchObject({ timeoutSeconds: 3 });
    expect(await exit).toEqual({ exitStatus: 137, exitedAt: new Date(1_700_000_001_000) });
    expect(await controller.wait('pod')).toMatchObject({ exitStatus: 137 });
    expect(await controller.status('pod')).toMatchObject({ state: 'SANDBOX_NOTREADY', info: {} });
    await controller.shutdown('pod');
    await expect(controller.shutdown('pod')).rejects.toMatchObject({ kind: 'not_found' });
  });

  test('what is not there: refused, but a stop succeeds, and its state is empty and ended', async () => {
    const controller = form(await house());
    for (const call of [controller.start, controller.platform, controller.wait, controller.metrics])
      await expect(call('pod')).rejects.toMatchObject({ kind: 'not_found' });
    await controller.stop('pod');
    expect(await controller.status('pod')).toMatchObject({
      id: 'pod',
      state: '',
      exitedAt: expect.any(Date),
    });
  });

  test('who stops waiting is told so at once, and the sandbox goes on', async () => {
    const controller = form(await house());
    await controller.create(request('pod'));
    await controller.start('pod');
    const leave = new AbortController();
    const waiting = controller.wait('pod', { signal: leave.signal });
    leave.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(await controller.status('pod')).toMatchObject({ state: 'SANDBOX_READY' });
  });
});
