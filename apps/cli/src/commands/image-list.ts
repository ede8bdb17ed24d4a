import type { Command } from 'commander';
import { type ListFormatFlags, withListOptions } from './format-options.ts';

const EXAMPLES = `
Examples:
  stowage images
  stowage -n k8s.io images   of another namespace
  stowage images --format 'table {{.Repository}}\\t{{.Tag}}\\t{{.Size}}'`;

/** `images` and `image ls`. */
export function defineImageList(command: Command): void {
  withListOptions(command, 'names')
    .description('list images')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ListFormatFlags, command: Command) => {
      const { listImages } = await import('../actions/list-images.ts');
      await listImages(command, flags);
    });
}
