import { normalizePlatform, type Platform } from './platform.ts';

/** Above every rank within one architecture. */
const LAST = 1000;

/**
 * Orders images for a host: lower is better, undefined means it can't run there. A host takes lower variants of its
 * own architecture; an amd64 host takes 386 images last, an arm64 host arm images last. OS features that an image
 * asks for must be the host's; OS versions don't count.
 *
 * @see containerd platforms v1.0.0 Only
 */
export function platformRank(host: Platform, offered: Platform): number | undefined {
  const h = normalizePlatform(host);
  const o = normalizePlatform(offered);
  if (h.os !== o.os) return undefined;
  if (o.osFeatures?.some((feature) => !h.osFeatures?.includes(feature))) return undefined;
  if (h.architecture === o.architecture) return variantRank(h.architecture, h.variant, o.variant);
  let rank: number | undefined;
  if (h.architecture === 'amd64' && o.architecture === '386') rank = variantRank('386', undefined, o.variant);
  if (h.architecture === 'arm64' && o.architecture === 'arm') rank = variantRank('arm', 'v8', o.variant);
  return rank === undefined ? undefined : LAST + rank;
}

function variantRank(
  architecture: string,
  host: string | undefined,
  offered: string | undefined,
): number | undefined {
  if (host === offered) return 0;
  switch (architecture) {
    case 'amd64':
      return stepsDown(levelOf(host ?? 'v1'), levelOf(offered ?? 'v1'), 1);
    case 'arm':
      return stepsDown(levelOf(host), levelOf(offered), 5);
    case 'arm64':
      return arm64Rank(levelOf(host ?? 'v8'), levelOf(offered ?? 'v8'));
    default:
      // Variants of other architectures have no known order; none means that nothing special is asked for.
      return offered === undefined ? 1 : undefined;
  }
}

interface Level {
  readonly major: number;
  readonly minor: number;
}

function levelOf(variant: string | undefined): Level | undefined {
  const [, major, minor = '0'] = /^v(\d{1,2})(?:\.(\d{1,2}))?$/.exec(variant ?? '') ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

function stepsDown(host: Level | undefined, offered: Level | undefined, least: number): number | undefined {
  if (host === undefined || offered === undefined || host.minor + offered.minor > 0) return undefined;
  return offered.major < least || offered.major > host.major ? undefined : host.major - offered.major;
}

/** Armv9.x has all of Armv8.(x+5), and Armv8 ends at 8.9; the reverse does not hold. */
function arm64Rank(host: Level | undefined, offered: Level | undefined): number | undefined {
  if (host === undefined || offered === undefined) return undefined;
  if (host.major === offered.major)
    return offered.minor > host.minor ? undefined : host.minor - offered.minor;
  const reach = Math.min(host.minor + 5, 9);
  if (host.major !== 9 || offered.major !== 8 || offered.minor > reach) return undefined;
  return host.minor + 1 + reach - offered.minor;
}
