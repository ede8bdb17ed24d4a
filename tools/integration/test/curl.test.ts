import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { demoArchive, must, mustCtr, run } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('curl');
const IMAGE = 'example.org/demo:1';

async function post(
  method: string,
  body: unknown,
  namespace = suite.namespace,
): Promise<Record<string, unknown>> {
  const text = await must('curl', [
    ...['--silent', '--show-error', '--unix-socket', suite.daemon.address],
    ...['-H', 'content-type: application/json', '-H', `containerd-namespace: ${namespace}`],
    ...['-d', JSON.stringify(body), `http://stowage/${method}`],
  ]);
  return JSON.parse(text) as Record<string, unknown>;
}

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

test('Version answers JSON to a plain curl', async () => {
  const answer = await post('containerd.services.version.v1.Version/Version', {});
  expect(answer).toMatchObject({ version: expect.stringMatching(/^2\..*\+stowage\./) });
});

test('the spec of a running container is readable', async () => {
  await mustCtr(suite.daemon.address, ['run', '-d', IMAGE, 'shown', '/bin/sleep', '60']);
  try {
    const { container } = await post('containerd.services.containers.v1.Containers/Get', { id: 'shown' });
    expect(container).toMatchObject({
      id: 'shown',
      image: IMAGE,
      spec: {
        '@type': expect.stringContaining('opencontainers/runtime-spec/1/Spec'),
        value: { process: { args: ['/bin/sleep', '60'] } },
      },
    });
  } finally {
    await mustCtr(suite.daemon.address, ['tasks', 'delete', '--force', 'shown']).catch(() => undefined);
    await mustCtr(suite.daemon.address, ['containers', 'rm', 'shown']);
  }
});

test('an update mask with a camel-case label key changes that label', async () => {
  const { image } = await post('containerd.services.images.v1.Images/Get', { name: IMAGE });
  const changed = { ...(image as object), labels: { fooBar: 'baz' } };
  await post('containerd.services.images.v1.Images/Update', { image: changed, updateMask: 'labels.fooBar' });
  const after = await post('containerd.services.images.v1.Images/Get', { name: IMAGE });
  expect(after).toMatchObject({ image: { labels: { fooBar: 'baz' } } });
});

test('Events/Subscribe streams JSON', async () => {
  const body = Buffer.from(JSON.stringify({ filters: ['topic=="/namespaces/create"'] }));
  const envelope = Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]);
  const watching = run(
    'curl',
    [
      ...['--silent', '--no-buffer', '--max-time', '3', '--unix-socket', suite.daemon.address],
      ...['-H', 'content-type: application/connect+json', '--data-binary', '@-'],
      'http://stowage/containerd.services.events.v1.Events/Subscribe',
    ],
    { input: envelope },
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  await post('containerd.services.namespaces.v1.Namespaces/Create', { namespace: { name: 'seen-by-curl' } });
  const { stdout } = await watching;
  expect(stdout).toContain('"topic":"/namespaces/create"');
  expect(stdout).toContain('seen-by-curl');
  await post('containerd.services.namespaces.v1.Namespaces/Delete', { name: 'seen-by-curl' });
});

test('a service or method that is not there answers unimplemented with its name', async () => {
  const service = await post('containerd.services.nothing.v1.Nothing/Do', {});
  expect(service).toMatchObject({
    code: 'unimplemented',
    message: expect.stringContaining('nothing.v1.Nothing'),
  });
  const method = await post('containerd.services.transfer.v1.Transfer/Teleport', {});
  expect(method).toMatchObject({
    code: 'unimplemented',
    message: expect.stringMatching(/Teleport.*transfer\.v1\.Transfer/),
  });
});
