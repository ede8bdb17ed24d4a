/** What containerd starts a shim with. */
export interface ShimFlags {
  readonly command: string;
  readonly namespace: string;
  readonly id: string;
  /** containerd's socket for clients. */
  readonly address: string;
  /** Empty: the working directory. */
  readonly bundle: string;
  readonly version: boolean;
  readonly info: boolean;
  readonly help: boolean;
}

const NAMES: Readonly<Record<string, keyof ShimFlags>> = {
  namespace: 'namespace',
  id: 'id',
  address: 'address',
  bundle: 'bundle',
  v: 'version',
  version: 'version',
  info: 'info',
  h: 'help',
  help: 'help',
};
/** Taken with their value, and of no use here. */
const UNUSED: ReadonlySet<string> = new Set(['publish-binary', 'socket']);
const SWITCHES: ReadonlySet<string> = new Set(['v', 'version', 'info', 'h', 'help', 'debug']);

/**
 * Reads flags as Go's flag package does: one dash or two, `-name value` or `-name=value`, then the command.
 *
 * @throws for a flag that no containerd gives, and for one without its value.
 */
export function parseFlags(args: readonly string[]): ShimFlags {
  const found: Record<string, string | boolean> = {};
  const rest = [...args];
  for (let arg = rest[0]; arg?.startsWith('-'); arg = rest[0]) {
    rest.shift();
    const [, name = '', , inline] = /^--?([^=]+)(=(.*))?$/s.exec(arg) ?? [];
    const isSwitch = SWITCHES.has(name);
    const value = inline ?? (isSwitch ? 'true' : rest.shift());
    const key = NAMES[name];
    if (value === undefined) throw new Error(`flag ${arg}: needs a value`);
    if (key !== undefined) found[key] = isSwitch ? value !== 'false' : value;
    else if (!isSwitch && !UNUSED.has(name)) throw new Error(`flag ${arg}: there is none of this name`);
  }
  const none = { namespace: '', id: '', address: '', bundle: '', version: false, info: false, help: false };
  return { ...none, ...found, command: rest[0] ?? '' };
}
