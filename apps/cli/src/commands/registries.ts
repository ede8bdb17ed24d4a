import type { Command } from 'commander';
import { gather } from '../gather.ts';
import {
  type ProgressFlags,
  type RegistryFlags,
  withProgressOptions,
  withRegistryOptions,
} from './registry-options.ts';

export interface LoginFlags extends RegistryFlags {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin: boolean;
}

export interface PushFlags extends RegistryFlags, ProgressFlags {
  readonly platform: readonly string[];
  readonly allPlatforms: boolean;
}

const LOGIN_EXAMPLES = `
Examples:
  stowage login                                           Docker Hub; asks for user and password
  stowage login ghcr.io -u me --password-stdin < token
  stowage login 127.0.0.1:5000 -u me

The login is tried, and kept where Docker keeps it: by the credential helper that config.json names in ~/.docker (or
$DOCKER_CONFIG), else in that file, as good as in the clear. pull, push and run use it, and so does docker.`;

const PUSH_EXAMPLES = `
Examples:
  stowage tag busybox 127.0.0.1:5000/busybox; stowage push 127.0.0.1:5000/busybox
  stowage push --all-platforms ghcr.io/me/app:1.2
  stowage push --platform linux/amd64 --platform linux/arm64 ghcr.io/me/app:1.2

It prints the digest that the name stands for now. Of an image that was pulled for one platform, that one goes. What the
registry has is not sent. After Ctrl-C nothing has the name; the next push sends only what had not gone whole.`;

export function addRegistryCommands(program: Command): void {
  withRegistryOptions(program.command('login [host]'))
    .description('log in to a registry (default: docker.io)')
    .option('-u, --username <name>', 'who you are there')
    .option('-p, --password <password>', 'password or token; --password-stdin keeps it from others’ eyes')
    .option('--password-stdin', 'read the password from standard input', false)
    .addHelpText('after', LOGIN_EXAMPLES)
    .action(async (host: string | undefined, flags: LoginFlags) => {
      const { logIn } = await import('../actions/login.ts');
      await logIn(host, flags);
    });

  program
    .command('logout [host]')
    .description('forget the login to a registry (default: docker.io)')
    .addHelpText('after', '\nExamples:\n  stowage logout\n  stowage logout ghcr.io')
    .action(async (host: string | undefined) => {
      const { logOut } = await import('../actions/login.ts');
      await logOut(host);
    });

  withProgressOptions(withRegistryOptions(program.command('push <image>')))
    .description('push an image to the registry that its name says')
    .option('--platform <os/arch>', 'push this platform only (repeat it for more)', gather, [])
    .option('--all-platforms', 'push all, and fail if some are not here', false)
    .addHelpText('after', PUSH_EXAMPLES)
    .action(async (image: string, flags: PushFlags, command: Command) => {
      const { push } = await import('../actions/push.ts');
      await push(command, image, flags);
    });
}
