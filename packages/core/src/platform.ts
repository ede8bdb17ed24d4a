import { Fault } from './fault.ts';
import { quote } from './identifiers.ts';

/** Where an image or a plugin runs. Names are Go's (`GOOS`, `GOARCH`), as in the OCI image specification. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
  readonly osVersion?: string | undefined;
  readonly osFeatures?: readonly string[] | undefined;
}

/** Other spellings: uname's, Debian's, Node's. A second word is the variant that the spelling stands for. */
const ARCHITECTURES: ReadonlyMap<string, readonly [string, string?]> = new Map([
  ['i386', ['386', '']],
  ['ia32', ['386', '']],
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['x64', ['amd64']],
  ['aarch64', ['arm64']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
  ['mipsel', ['mipsle']],
]);

const OPERATING_SYSTEMS: ReadonlyMap<string, string> = new Map([
  ['macos', 'darwin'],
  ['win32', 'windows'],
]);

/** What stands for an operating system, or an architecture, where a platform names one of them alone. */
const KNOWN_OS =
  /^(aix|android|darwin|dragonfly|freebsd|illumos|ios|linux|netbsd|openbsd|plan9|solaris|windows)$/;
const KNOWN_ARCHITECTURE = /^(386|amd64|arm|arm64|loong64|mips(64)?(le)?|ppc64(le)?|riscv64|s390x|wasm)$/;

/** The platform of this process. */
export function hostPlatform(): Platform {
  // Node calls both byte orders of POWER ppc64.
  const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  const architecture = process.arch === 'ppc64' && littleEndian ? 'ppc64le' : process.arch;
  return normalizePlatform({ os: process.platform, architecture });
}

/** Canonical spelling, so that equal platforms compare equal (containerd platforms, Normalize). */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const spelled = platform.architecture.toLowerCase();
  const [architecture, implied] = ARCHITECTURES.get(spelled) ?? [spelled];
  const variant = canonicalVariant(architecture, implied ?? platform.variant?.toLowerCase() ?? '');
  const { osVersion, osFeatures } = platform;
  return {
    os: OPERATING_SYSTEMS.get(os) ?? os,
    architecture,
    ...(variant !== '' && { variant }),
    ...(osVersion !== undefined && osVersion !== '' && { osVersion }),
    ...(osFeatures !== undefined && osFeatures.length > 0 && { osFeatures: [...new Set(osFeatures)].sort() }),
  };
}

function canonicalVariant(architecture: string, variant: string): string {
  if (architecture === 'arm64' && (variant === 'v8' || variant === '8')) return '';
  if (architecture === 'amd64' && variant === 'v1') return '';
  if (architecture === 'arm') return variant === '' ? 'v7' : variant.replace(/^[5-8]$/, 'v$&');
  return variant;
}

/**
 * Reads `os/architecture[/variant]`, or an os or architecture alone, the other being the host's. The os may carry
 * its version and features: `windows(10.0.17763+win32k)/amd64`.
 *
 * @throws Fault `invalid_argument`
 * @see containerd platforms v1.0.0 Parse
 */
export function parsePlatform(text: string): Platform {
  const [first = '', second, variant, ...more] = text.split('/');
  const shape = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)((?:\+[A-Za-z0-9_.-]+)*)\))?$/.exec(first);
  const rest = [second, variant].filter((part) => part !== undefined);
  if (shape === null || more.length > 0 || rest.some((part) => !/^[A-Za-z0-9_.-]+$/.test(part))) {
    throw new Fault(
      'invalid_argument',
      `platform ${quote(text)} must read os/architecture[/variant], as linux/arm64`,
    );
  }
  const [, os = '', osVersion, features = ''] = shape;
  const osFeatures = features.split('+').slice(1);
  if (second !== undefined) {
    return normalizePlatform({ os, architecture: second, variant, osVersion, osFeatures });
  }
  const host = hostPlatform();
  const asOs = normalizePlatform({ ...host, os, osVersion, osFeatures });
  if (KNOWN_OS.test(asOs.os)) return asOs;
  const asArchitecture = normalizePlatform({ os: host.os, architecture: first });
  if (KNOWN_ARCHITECTURE.test(asArchitecture.architecture)) return asArchitecture;
  throw new Fault('invalid_argument', `platform ${quote(text)}: unknown operating system or architecture`);
}

export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
}
