import { Command } from "commander";
import { expect, test } from "vitest";
import { keptStreams } from "../../test/unit/kept-streams.ts";
import { btfCommandGroups } from "./btf-command.ts";
import { addCommands, type CommandGroup } from "./command-group.ts";
import { commandGroups } from "./program.ts";

const doors = { encodeFile: () => Promise.reject(new Error("not called")) };

test("every name of a group is a command of it", async () => {
  const streams = keptStreams();
  const groups = [...commandGroups(streams, doors, () => {}), ...btfCommandGroups(streams, () => {})];
  for (const { names, load } of groups) {
    const loaded = (await load()).map((command) => command.name());
    expect(loaded).toEqual(expect.arrayContaining([...names]));
  }
});

test("loads the group that is asked for, and all where none is", async () => {
  const loaded: string[] = [];
  const group = (...names: string[]): CommandGroup => ({
    names,
    load: () => {
      loaded.push(...names);
      return Promise.resolve(names.map((name) => new Command(name)));
    },
  });
  const groups = [group("a", "b"), group("c")];
  const names = async (wanted?: string): Promise<string[]> => {
    const parent = new Command("parent");
    await addCommands(parent, groups, wanted);
    return parent.commands.map((command) => command.name());
  };
  expect(await names("b")).toEqual(["a", "b"]);
  expect(loaded).toEqual(["a", "b"]);
  expect(await names("d")).toEqual(["a", "b", "c"]);
  expect(await names("--help")).toEqual(["a", "b", "c"]);
  expect(await names()).toEqual(["a", "b", "c"]);
});
