const LIFE_MS = 24 * 60 * 60 * 1000;

/**
 * When an ingest that no lease holds expires; undefined for one that a lease held, which goes with that.
 *
 * @param openedAt - Of a writer, the last time.
 * @see containerd core/metadata/content.go
 */
export function ingestExpiry(openedAt: Date | undefined): Date | undefined {
  return openedAt && new Date(openedAt.getTime() + LIFE_MS);
}
