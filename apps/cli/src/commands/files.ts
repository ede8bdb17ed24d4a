import type { Command } from 'commander';
import { repeated } from './run-values.ts';

export interface CpFlags {
  readonly archive: boolean;
  readonly followLink: boolean;
}

export interface CommitFlags {
  readonly author?: string;
  readonly message?: string;
  readonly change: readonly string[];
  readonly pause: boolean;
}

const CP_EXAMPLES = `
Examples:
  stowage cp web:/etc/nginx/nginx.conf .
  stowage cp ./site/. web:/usr/share/nginx/html    what is in it, into a directory that is there
  stowage cp web:/var/log - | tar tv               as an archive
  tar c site | stowage cp - web:/usr/share/nginx

It works on containers that run and on others, and takes root. Files belong to root in the container, and here to you;
with -a to whom they belonged, and set-user-id bits come out as well. Links are copied as links, and none in a container
leads out of it. Devices are left out.`;

const COMMIT_EXAMPLES = `
Examples:
  stowage commit web example.org/web:patched
  stowage commit -m 'with a shell' -c 'CMD ["sh"]' -c 'ENV DEBUG=1' web example.org/web:debug

It prints the new image's digest. A change is CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR as
in a Dockerfile. What runs is paused meanwhile; --no-pause does without, and fails where a file changes while it is read.`;

export function addFileCommands(program: Command): void {
  program
    .command('diff <container>')
    .description('list files that a container added (A), changed (C) or deleted (D)')
    .addHelpText(
      'after',
      '\nExamples:\n  stowage diff web\n\nPause a container that writes all the time: what changes while it is read can not be told.',
    )
    .action(async (id: string, _: object, command: Command) => {
      const { diff } = await import('../actions/diff.ts');
      await diff(command, id);
    });

  program
    .command('commit <container> <image>')
    .description('make an image of a container')
    .option('-a, --author <who>', 'who made it')
    .option('-m, --message <text>', 'what it is, for its history')
    .addOption(repeated('-c, --change <instruction>', 'how it wants to run, such as CMD ["sh"]'))
    .option('-p, --pause', 'hold its processes meanwhile', true)
    .option('--no-pause', 'let them go on')
    .addHelpText('after', COMMIT_EXAMPLES)
    .action(async (id: string, image: string, flags: CommitFlags, command: Command) => {
      const { commit } = await import('../actions/commit.ts');
      await commit(command, id, image, flags);
    });

  program
    .command('cp <from> <to>')
    .description('copy files out of a container, or into it')
    .option('-a, --archive', 'keep owners and all permissions', false)
    .option('-L, --follow-link', 'copy what a link leads to', false)
    .addHelpText('after', CP_EXAMPLES)
    .action(async (from: string, to: string, flags: CpFlags, command: Command) => {
      const { cp } = await import('../actions/cp.ts');
      await cp(command, from, to, flags);
    });
}
