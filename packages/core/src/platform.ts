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

const ARCHITECTURES: Readonly<Record<string, readonly [string, string?]>> = {
  i386: ['386'],
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  x64: ['amd64'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  ia32: ['386'],
};

/** The platform of this process. */
export function hostPlatform(): Platform {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  return normalizePlatform({ os, architecture: process.arch });
}

/** Canonical spelling, so that equal platforms compare equal (containerd platforms, normalize). */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase();
  const [architecture, implied] = ARCHITECTURES[platform.architecture.toLowerCase()] ?? [
    platform.architecture.toLowerCase(),
  ];
  let variant: string | undefined = platform.variant?.toLowerCase() || implied;
  if (architecture === 'arm64' && (variant === 'v8' || variant === '8')) variant = undefined;
  if (architecture === 'amd64' && variant === 'v1') variant = undefined;
  if (architecture === 'arm') variant = variant === undefined ? 'v7' : variant.replace(/^(\d)$/, 'v$1');
  const { osVersion, osFeatures } = platform;
  return {
    os,
    architecture,
    ...(variant !== undefined && { variant }),
    ...(osVersion !== undefined && osVersion !== '' && { osVersion }),
    ...(osFeatures !== undefined && osFeatures.length > 0 && { osFeatures }),
  };
}

/**
 * Reads `os/architecture[/variant]`, or an os or architecture alone.
 *
 * @throws Fault `invalid_argument`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || parts.some((p) => !/^[A-Za-z0-9_.-]+$/.test(p))) {
    throw new Fault(
      'invalid_argument',
      `platform ${quote(text)} must read os/architecture[/variant], as linux/arm64`,
    );
  }
  const [first = '', second, variant] = parts;
  const host = hostPlatform();
  if (second === undefined) {
    const known = ['linux', 'windows', 'darwin', 'macos', 'freebsd'].includes(first.toLowerCase());
    return known
      ? normalizePlatform({ os: first, architecture: host.architecture })
      : normalizePlatform({ os: host.os, architecture: first });
  }
  return normalizePlatform({ os: first, architecture: second, variant });
}

export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
}

/**
 * Orders images for a host: lower is better, undefined means it can't run there. An arm host takes lower arm
 * variants, an arm64 host arm images last.
 */
export function platformRank(host: Platform, offered: Platform): number | undefined {
  const h = normalizePlatform(host);
  const o = normalizePlatform(offered);
  if (h.os !== o.os) return undefined;
  if (h.architecture === o.architecture) {
    if (h.variant === o.variant) return 0;
    const level = (v: string | undefined) => Number(v?.slice(1) ?? (h.architecture === 'arm64' ? 8 : 1));
    const below = level(h.variant) - level(o.variant);
    return below > 0 ? below : undefined;
  }
  if (h.architecture === 'arm64' && o.architecture === 'arm')
    return 10 + 8 - Number(o.variant?.slice(1) ?? 7);
  return undefined;
}
