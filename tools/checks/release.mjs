// A release must be possible from here: nx works out independent versions and changelogs, and writes nothing.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';

const PLANS = '.nx/version-plans';
mkdirSync(PLANS, { recursive: true });
const own = readdirSync(PLANS).length === 0 ? `${PLANS}/dry-run.md` : undefined;
if (own !== undefined)
  writeFileSync(own, "---\n'@stowage/core': patch\n---\n\nA plan for the dry run only.\n");
try {
  const args = ['release', '--dry-run', '--skip-publish', '--verbose'];
  const { status, stdout, stderr } = spawnSync('nx', args, {
    encoding: 'utf8',
    env: { ...process.env, CI: 'true', NX_DAEMON: 'false' },
  });
  const good = status === 0 && /New version|new version/.test(stdout);
  if (!good) console.error(`${stdout}${stderr}`);
  process.exitCode = good ? 0 : 1;
} finally {
  if (own !== undefined) rmSync(own);
}
