import type { SpecOption } from './compose.ts';
import { DEFAULT_PATH } from './defaults.ts';
import { changeProcess, overrideEnv, withCwd } from './process-options.ts';
import { withUser } from './user.ts';
import type { UserLookup } from './user-files.ts';

/** What an image says of the process that it is for (image-spec config.md). */
export interface ImageProcessConfig {
  readonly user?: string | undefined;
  readonly env?: readonly string[] | undefined;
  readonly entrypoint?: readonly string[] | undefined;
  readonly cmd?: readonly string[] | undefined;
  readonly workingDir?: string | undefined;
}

export interface ImageConfigOptions {
  /** Stand in for the image's `cmd`, behind its entrypoint. None: the image's. */
  readonly args?: readonly string[] | undefined;
  /** See {@link withUser}. */
  readonly lookup?: UserLookup | undefined;
}

/**
 * Runs what the image is for, as it wants: arguments, environment, working directory and user. Variables that were
 * set before win over the image's.
 *
 * @throws Fault as {@link withUser}.
 */
export function withImageConfig(image: ImageProcessConfig, options: ImageConfigOptions = {}): SpecOption {
  const { args = [], lookup } = options;
  const { entrypoint = [], cmd = [], env = [], workingDir = '', user = '' } = image;
  return async (spec) => {
    const command = [...entrypoint, ...(args.length > 0 ? args : cmd)];
    const set = (spec.process?.env ?? []).filter((entry) => entry !== DEFAULT_PATH);
    const withProcess = changeProcess(spec, {
      args: command,
      env: overrideEnv([DEFAULT_PATH], overrideEnv(env, set)),
    });
    // Relative to the root, as Docker reads it.
    const cwd = workingDir.startsWith('/') ? workingDir : `/${workingDir}`;
    const placed = await withCwd(cwd)(withProcess);
    // Root, in no further groups: nothing needs to be looked up for an image that says nothing.
    return (user === '' ? withUser('0') : withUser(user, lookup))(placed);
  };
}
