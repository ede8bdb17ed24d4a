import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { LocalContentStore } from '@stowage/content-store';
import { hostPlatform, unlessAbsent } from '@stowage/core';
import { buildImage, writeArchive } from '@stowage/oci-image';
import { mustCtr, startRegistry, startRegistryFront, until } from '@stowage/testing';
import { beginStowage, mustStowage, stowage } from '../cli.ts';
import { IMAGE, PATIENCE_MS, withUiPage } from '../ui-page.ts';

const { suite, ui } = withUiPage('ui');
const must = (...args: string[]) => mustStowage(suite.daemon.address, args);

test('it lists a container, whose figures change, and keeps the token out of the address', async () => {
  const { page, cardOf } = ui();
  const card = cardOf('ticker');
  await card.getByText(/running, pid \d+/).waitFor();
  expect(new URL(page.url()).search).toBe('');
  await until(
    'a figure',
    async () => / %/.test((await card.locator('.cpu').textContent()) ?? ''),
    PATIENCE_MS,
  );
  const points = async () =>
    (await card.locator('polyline').first().getAttribute('points'))?.split(' ').length ?? 0;
  const before = await points();
  await until('more of them', async () => (await points()) >= before + 2, PATIENCE_MS);
  await card.getByText(/ [kM]B$/).waitFor();
}, 60_000);

test('its log is followed, and a terminal in it echoes and takes the size of its place', async () => {
  const { page } = ui();
  await page.getByRole('link', { name: 'Logs of ticker' }).click();
  const log = page.getByRole('log');
  const last = async () => Number(/tick (\d+)\s*$/.exec((await log.textContent()) ?? '')?.[1] ?? 0);
  await until('a line', async () => (await last()) > 0, PATIENCE_MS);
  const before = await last();
  await until('more lines', async () => (await last()) > before + 1, PATIENCE_MS);
  await page.getByRole('link', { name: 'Terminal' }).click();
  await page.getByRole('button', { name: 'Run' }).click();
  const shown = page.locator('.xterm-accessibility');
  const shows = (text: string) =>
    until(text, async () => (await shown.textContent())?.includes(text) ?? false, PATIENCE_MS);
  await shows('#');
  await page.keyboard.type('echo $((6*7))-$(stty size | tr " " x)\n');
  await shows('42-');
  const [, rows, columns] = /42-(\d+)x(\d+)/.exec((await shown.textContent()) ?? '') ?? [];
  expect(Number(rows)).toBeGreaterThan(10);
  expect(Number(columns)).toBeGreaterThan(80);
  await page.keyboard.type('exit 3\n');
  await page.getByText('It ended with exit code 3.').waitFor();
}, 60_000);

test('a pull shows how far it is as it goes on, and is canceled', async () => {
  const { page, cardOf, goTo } = ui();
  const registry = await startRegistry(join(suite.dir, 'registry'));
  await using _ = registry;
  await pushNoise(`${registry.host}/noise:1`);
  await using front = await startRegistryFront(registry.host, 1.5 * 1024 * 1024);
  await goTo('Operations');
  const pulling = stowage(suite.daemon.address, ['pull', '--plain-http', `${front.host}/noise:1`]);
  const card = cardOf(`pull ${front.host}/noise:1`);
  const amount = card.locator('.amount');
  const shown = async () => ((await amount.count()) > 0 ? ((await amount.textContent()) ?? '') : '');
  await until(
    'some of it',
    async () => /^[1-3](\.\d+)? MB of 4\.\d+ MB, \d parts$/.test(await shown()),
    PATIENCE_MS,
  );
  const bar = card.getByRole('progressbar', { name: `Progress of pull ${front.host}/noise:1` });
  expect(Number(await bar.getAttribute('value'))).toBeGreaterThan(200);
  await card.getByRole('button', { name: /^Cancel/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel it' }).click();
  await card.locator('.status').getByText('canceled').waitFor();
  expect((await pulling).code).not.toBe(0);
}, 60_000);

test('what happens appears, and what is listed follows it', async () => {
  const { page, cardOf, goTo } = ui();
  await goTo('Events');
  await must('tag', IMAGE, 'example.org/other:1');
  const log = page.getByRole('log', { name: 'Events' });
  await log.getByText('/images/create').waitFor();
  expect(await log.textContent()).toContain('example.org/other:1');
  await goTo('Images');
  await cardOf('example.org/other:1')
    .getByText(/ [kM]B$/)
    .first()
    .waitFor();
  await must('rmi', 'example.org/other:1');
  await cardOf('example.org/other:1').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: `What keeps it? (${IMAGE})` }).click();
  await cardOf(IMAGE).getByText(`image ${IMAGE}`, { exact: true }).waitFor();
}, 60_000);

test('garbage is collected once somebody has seen what goes', async () => {
  const { page, goTo } = ui();
  await goTo('Images');
  await page.getByRole('button', { name: /Collect garbage/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/removes \d+ objects?|nothing that nobody needs/).waitFor();
  await dialog.getByRole('button', { name: 'Collect', exact: true }).click();
  await page
    .getByRole('status')
    .getByText(/Garbage was collected: \d+ records/)
    .waitFor();
}, 60_000);

test('another namespace is a choice away', async () => {
  const { page, cardOf, goTo } = ui();
  await mustCtr(suite.daemon.address, ['namespaces', 'create', 'empty']);
  await goTo('Containers');
  await page.getByLabel('Namespace').selectOption('empty');
  await page.getByText('There are no containers in this namespace.').waitFor();
  await page.goBack();
  await cardOf('ticker').waitFor();
  await mustCtr(suite.daemon.address, ['namespaces', 'remove', 'empty']);
}, 60_000);

test('without the token there is nothing to see; and nothing of the page was blocked or failed', async () => {
  const { page, url, complaints } = ui();
  const stranger = await page.context().browser()?.newPage();
  const answer = await stranger?.goto(new URL('/', url).href);
  expect(answer?.status()).toBe(401);
  await stranger?.close();
  expect(complaints).toEqual([]);
});

test('--open leads the browser here without telling the token to who lists processes', async () => {
  const { page } = ui();
  const { PATH } = process.env;
  const bin = join(suite.dir, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'xdg-open'), `#!/bin/sh\necho "$@" > ${suite.dir}/opened\n`, { mode: 0o755 });
  process.env.PATH = `${bin}:${PATH}`;
  const opening = beginStowage(suite.daemon.address, ['ui', '--open']);
  process.env.PATH = PATH;
  const opened = async () => (await unlessAbsent(readFile(join(suite.dir, 'opened'), 'utf8')))?.trim() ?? '';
  await until('a browser', async () => (await opened()) !== '', PATIENCE_MS);
  const file = await opened();
  expect(file).toMatch(/^file:\/\/\/.*\/open\.html$/);
  expect((await stat(new URL(file))).mode & 0o777).toBe(0o600);
  const other = await page.context().browser()?.newPage();
  if (other === undefined) throw new Error('the browser is gone');
  await other.goto(file);
  await other.getByRole('heading', { name: 'Containers' }).waitFor();
  expect(other.url()).toBe(new URL('/', opening.out()).href);
  await other.close();
  opening.child.kill('SIGINT');
  expect(await opening.end).toMatchObject({ code: 0 });
  expect(await unlessAbsent(stat(new URL(file)))).toBeUndefined();
}, 60_000);

test('when the daemon comes back the page goes on; and programs of terminals end with stowage ui', async () => {
  const { page, cardOf, goTo, serving } = ui();
  await goTo('Containers');
  await suite.daemon.stop();
  await page.getByText('the daemon does not answer').waitFor();
  await suite.daemon.start();
  await page.locator('.connection.live').waitFor();
  await must('stop', '-t', '0', 'counter');
  await cardOf('counter').getByText('exited (137)').waitFor();
  await page.getByRole('link', { name: 'Terminal in ticker' }).click();
  await page.getByLabel('Command').fill('sleep 4242');
  await page.getByRole('button', { name: 'Run' }).click();
  const runs = async () => (await must('top', 'ticker')).includes('sleep 4242');
  await until('the program to run', runs, PATIENCE_MS);
  serving.child.kill('SIGINT');
  expect(await serving.end).toMatchObject({ code: 0 });
  expect(await runs()).toBe(false);
  await page.getByText('The connection was lost.').waitFor();
}, 60_000);

/** Puts an image of two layers of noise into the registry, and nowhere else. */
async function pushNoise(name: string): Promise<void> {
  await using content = await LocalContentStore.open(join(suite.dir, 'content'));
  const target = await buildImage(content, {
    platform: hostPlatform(),
    layers: ['a', 'b'].map((path) => [{ path, data: randomBytes(2 * 1024 * 1024), mode: 0o644 }]),
    config: {},
  });
  await using pushing = connect(suite.daemon.address, { namespace: 'pushing' });
  const [image] = await pushing.importImages(writeArchive(content, [{ name, target }]));
  await pushing.push(name);
  await image?.remove({ sync: true });
}
