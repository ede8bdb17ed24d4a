import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { demoArchive, mustCtr, until } from '@stowage/testing';
import type { Locator, Page } from 'playwright-core';
import { complaintsOf, startBrowser } from './browser.ts';
import { type Begun, beginStowage, mustStowage } from './cli.ts';
import { type Suite, withDaemon } from './suite.ts';

export const IMAGE = 'example.org/demo:1';

/** What the page is waited for, on a machine that does much else. */
export const PATIENCE_MS = 20_000;

/** The page of `stowage ui` in a browser, before a daemon with three containers: `ticker`, `counter`, and `once` that has ended. */
export interface UiPage {
  readonly page: Page;
  /** Of scripts, and of what the policy blocked. */
  readonly complaints: readonly string[];
  readonly serving: Begun;
  /** The address that was printed. */
  readonly url: string;
  /** What is listed under a name. */
  cardOf(name: string): Locator;
  /** Follows a link of the navigation. */
  goTo(view: string): Promise<void>;
}

/** Starts a daemon for the tests of a file, and opens the page of `stowage ui` before it. */
export function withUiPage(name: string): { readonly suite: Suite; readonly ui: () => UiPage } {
  let page: UiPage | undefined;
  let end = async () => {};
  // Asked for before the suite's, which looks at what is left.
  afterAll(() => end());
  const suite = withDaemon(name);
  beforeAll(async () => {
    await makeContainers(suite);
    const serving = beginStowage(suite.daemon.address, ['ui']);
    await until('its address', () => serving.out().includes('\n'), PATIENCE_MS);
    const browser = await startBrowser();
    const tab = await browser.newPage({ viewport: { width: 1180, height: 740 } });
    tab.setDefaultTimeout(PATIENCE_MS);
    end = async () => {
      await browser.close();
      serving.child.kill('SIGINT');
      expect(await serving.end).toMatchObject({ code: 0 });
      const made = await mustStowage(suite.daemon.address, ['ps', '-aq']);
      await mustStowage(suite.daemon.address, ['rm', '-f', ...made.trim().split('\n')]);
    };
    const url = serving.out().trim();
    const complaints = complaintsOf(tab);
    const views = tab.getByRole('navigation', { name: 'Views' });
    page = {
      ...{ page: tab, complaints, serving, url },
      cardOf: (name) =>
        tab.getByRole('listitem').filter({ has: tab.getByRole('heading', { name, exact: true }) }),
      async goTo(view) {
        await views.getByRole('link', { name: view }).click();
        await tab.getByRole('heading', { level: 2, name: view }).waitFor();
      },
    };
    await tab.goto(url);
  }, 60_000);
  const ui = () => {
    if (page === undefined) throw new Error('the page is not open yet');
    return page;
  };
  return { suite, ui };
}

async function makeContainers({ daemon: { address }, dir }: Suite): Promise<void> {
  const archive = await demoArchive(join(dir, 'image'), IMAGE);
  await mustCtr(address, ['images', 'import', archive]);
  const ticks = 'i=0; while true; do i=$((i+1)); echo tick $i; busybox usleep 300000; done';
  const counts =
    'while true; do i=0; while [ $i -lt 6000 ]; do i=$((i+1)); done; busybox usleep 700000; done';
  const run = (name: string, ...args: string[]) =>
    mustStowage(address, ['run', '-d', '--name', name, IMAGE, ...args]);
  await run('ticker', 'sh', '-c', ticks);
  await run('counter', 'sh', '-c', counts);
  await run('once', 'true');
}
