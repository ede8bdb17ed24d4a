import {
  Fault,
  type FieldAdaptor,
  type Labels,
  labelsField,
  type Mount,
  maskedLabels,
  quote,
  splitMaskPath,
  unknownMaskPath,
  validateLabels,
} from '@stowage/core';
import { type Activation, LONGEST_NAME, MOST_MOUNTS, MOST_TEXT } from './mount-manager.ts';

/** What every manager checks of a request before anything else. @throws Fault `invalid_argument` */
export function validateActivation(name: string, mounts: readonly Mount[], labels: Labels): void {
  if (name === '') throw new Fault('invalid_argument', 'name of an activation must not be empty');
  if (name.length > LONGEST_NAME)
    throw new Fault('invalid_argument', `activation ${quote(name)}: its name is longer than ${LONGEST_NAME}`);
  if (mounts.length > MOST_MOUNTS)
    throw new Fault(
      'invalid_argument',
      `activation ${quote(name)}: ${mounts.length} mounts, the most is ${MOST_MOUNTS}`,
    );
  if (textOf(mounts) > MOST_TEXT)
    throw new Fault(
      'invalid_argument',
      `activation ${quote(name)}: the text of its mounts is longer than ${MOST_TEXT}`,
    );
  validateLabels(labels);
}

function textOf(mounts: readonly Mount[]): number {
  let length = 0;
  for (const { type, source, target = '', options } of mounts)
    length += options.reduce(
      (sum, option) => sum + option.length + 1,
      type.length + source.length + target.length,
    );
  return length;
}

/** What filters see of an activation. */
export function activationFields({ name, labels }: Activation): FieldAdaptor {
  return (path) => {
    if (path[0] === 'name') return name;
    return path[0] === 'labels' ? labelsField(labels, path) : undefined;
  };
}

/**
 * Labels after an update.
 *
 * @throws Fault `invalid_argument` for a path of something else, or a label that is too long.
 */
export function updatedActivationLabels(
  { name, labels: current }: Activation,
  labels: Labels,
  paths: readonly string[],
): Labels {
  let next: Labels = current;
  for (const path of paths.length === 0 ? ['labels'] : paths) {
    const { field, key } = splitMaskPath(path);
    if (field !== 'labels') throw unknownMaskPath(path, `activation ${quote(name)}`);
    next = maskedLabels(next, labels, key);
  }
  validateLabels(next);
  return next;
}

export function activationNotFound(name: string): Fault {
  return new Fault('not_found', `activation ${quote(name)}: not found`);
}

/** Tells callers that they can mount it all as it is. */
export function nothingToActivate(): Fault {
  return new Fault('unimplemented', 'activate mounts: none of them needs a mount manager');
}

export function activationExists(name: string): Fault {
  return new Fault('already_exists', `activation ${quote(name)}: already exists`);
}
