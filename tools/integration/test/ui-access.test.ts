import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { barriers } from '../browser.ts';
import { mustStowage } from '../cli.ts';
import { IMAGE, withUiPage } from '../ui-page.ts';

const { suite, ui } = withUiPage('ui-access');
const must = (...args: string[]) => mustStowage(suite.daemon.address, args);

const VIEWS = ['Containers', 'Images', 'Snapshots', 'Leases', 'Operations', 'Events', 'Logs', 'Terminal'];

async function show(view: string): Promise<void> {
  const { page, cardOf, goTo } = ui();
  if (view === 'Logs') {
    await goTo('Containers');
    await page.getByRole('link', { name: 'Logs of ticker' }).click();
    await page.getByRole('log').getByText('tick').first().waitFor();
  } else if (view === 'Terminal') {
    await page.getByRole('link', { name: 'Terminal' }).click();
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('.xterm').waitFor();
  } else await goTo(view);
  if (view === 'Containers') await cardOf('ticker').locator('.cpu').waitFor();
  if (view === 'Images') await page.getByRole('button', { name: /^What keeps/ }).click();
  if (view === 'Snapshots') await page.getByRole('treeitem').last().click();
}

test('all of it is done by keyboard: asked before, and given the focus back', async () => {
  const { page, cardOf } = ui();
  await must('run', '-d', '--name', 'brief', IMAGE, 'sleep', '1000');
  await page.reload();
  const { keyboard } = page;
  const focused = async (): Promise<string> => {
    const at = 'document.activeElement';
    return String(await page.evaluate(`${at}?.getAttribute('aria-label') ?? ${at}?.textContent ?? ''`));
  };
  const tabTo = async (text: string) => {
    for (let i = 0; i < 60; i++) {
      await keyboard.press('Tab');
      if ((await focused()).startsWith(text)) return;
    }
    throw new Error(`Tab does not lead to ${text}`);
  };
  await tabTo('Skip to content');
  await tabTo('Containers');
  await keyboard.press('Enter');
  await cardOf('brief')
    .getByText(/running/)
    .waitFor();
  await tabTo('Stop brief');
  await keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Stop brief?' }).waitFor();
  expect(await focused()).toBe('Cancel');
  await keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await focused()).toBe('Stop brief');
  expect(await must('ps', '-q')).toContain('brief');
  await tabTo('Kill brief');
  await keyboard.press('Enter');
  await tabTo('Kill');
  await keyboard.press('Enter');
  await page.getByRole('status').getByText('brief was killed').waitFor();
  await cardOf('brief').getByText('exited (137)').waitFor();
  await tabTo('Start brief');
  await keyboard.press('Enter');
  await cardOf('brief')
    .getByText(/running/)
    .waitFor();
  await tabTo('Terminal in brief');
  await keyboard.press('Enter');
  await tabTo('Run');
  await keyboard.press('Enter');
  await page.locator('.xterm').waitFor();
  await keyboard.press('F6');
  expect(await page.evaluate('document.activeElement.tagName')).toBe('INPUT');
  await tabTo('End it');
  await keyboard.press('Enter');
  await page.locator('.xterm').waitFor({ state: 'detached' });
  await page.goto(page.url().replace(/#.*/, ''));
  await tabTo('Remove brief');
  await keyboard.press('Enter');
  await tabTo('Remove');
  await keyboard.press('Enter');
  await cardOf('brief').waitFor({ state: 'detached' });
  expect(await must('ps', '-aq')).not.toContain('brief');
  await tabTo('Snapshots');
  await keyboard.press('Enter');
  await page.getByRole('treeitem').first().waitFor();
  await page.getByRole('treeitem').first().focus();
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await page.getByText(/^container (ticker|counter|once)$/).waitFor();
}, 60_000);

test.each([
  ['light', 'all that axe knows', undefined],
  ['dark', 'contrast', ['color-contrast']],
] as const)(
  'nothing bars people from it: %s, %s',
  async (colorScheme, _, rules) => {
    const { page, cardOf, goTo } = ui();
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const view of VIEWS) {
      await show(view);
      expect([view, await barriers(page, rules)]).toEqual([view, []]);
    }
    await goTo('Containers');
    await page.getByRole('button', { name: 'Remove once' }).click();
    expect(await barriers(page, rules)).toEqual([]);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await cardOf('ticker').locator('.cpu').waitFor();
    const path = join(suite.dir, `ui-${colorScheme}.png`);
    const { STOWAGE_SCREENSHOTS } = process.env;
    // For pictures of documentation, with something to be seen in the figures.
    if (STOWAGE_SCREENSHOTS) await page.waitForTimeout(20_000);
    await page.evaluate('scrollTo(0, 0)');
    await page.screenshot({ path });
    expect((await stat(path)).size).toBeLessThan(150_000);
    if (STOWAGE_SCREENSHOTS) await copyFile(path, join(STOWAGE_SCREENSHOTS, `ui-${colorScheme}.png`));
  },
  90_000,
);

test('a narrow screen need not be moved sideways', async () => {
  const { page } = ui();
  await page.setViewportSize({ width: 360, height: 740 });
  for (const view of VIEWS) {
    await show(view);
    expect([view, await page.evaluate('document.scrollingElement.scrollWidth')]).toEqual([view, 360]);
  }
}, 60_000);
