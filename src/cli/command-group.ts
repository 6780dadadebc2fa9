import type { Command } from "commander";

/** Commands whose code is loaded together, when one of them is asked for. */
export interface CommandGroup {
  /** Names of all of them. */
  names: readonly string[];
  load: () => Promise<readonly Command[]>;
}

/**
 * Add the commands of the group that has `wanted`; of all groups where none has, for help and for what is
 * misspelt. Loading every command takes longer than most of them run.
 */
export async function addCommands(
  parent: Command,
  groups: readonly CommandGroup[],
  wanted: string | undefined,
): Promise<void> {
  const group = groups.find(({ names }) => wanted !== undefined && names.includes(wanted));
  for (const { load } of group === undefined ? groups : [group]) {
    for (const command of await load()) parent.addCommand(command);
  }
}
