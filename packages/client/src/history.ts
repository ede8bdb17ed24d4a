import type { Descriptor } from '@stowage/core';
import type { HistoryStep, ImageConfig, ImageManifest } from '@stowage/oci-image';

/** One step of an image's building, and the layer that it made. */
export interface ImageHistory extends HistoryStep {
  /** None if the step made no layer. */
  readonly layer?: Descriptor | undefined;
}

/** From the base up. Layers that no step tells of come last, each as a step of its own. */
export function historyOf({ history }: ImageConfig, { layers }: ImageManifest): ImageHistory[] {
  let next = 0;
  const told = history.map((step) => ({ ...step, layer: step.isEmpty ? undefined : layers[next++] }));
  return [...told, ...layers.slice(next).map((layer) => ({ isEmpty: false, layer }))];
}
