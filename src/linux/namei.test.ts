import { describe, expect, it } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import type { Program } from "../program/index.ts";
import { pathLookup } from "./namei.ts";

const base = 0xffff_8880_0000_0000n;
const dentry = (index: number): bigint => base + 0x1000n * BigInt(index);
const mount = (index: number): bigint => base + 0x10_0000n + 0x1000n * BigInt(index);
const inode = (index: number): bigint => base + 0x20_0000n + 0x1000n * BigInt(index);
const namespace = base + 0x30_0000n;
const texts = base + 0x40_0000n;

interface File {
  name: string;
  parent: number;
  children?: readonly number[];
  link?: string;
  /** False for a name that is known not to exist. */
  exists?: boolean;
}

/** Files by number, and mounts: number of the root file, of the mount below it, and of the file they are on. */
function machine(
  files: readonly File[],
  mounts: readonly (readonly [root: number, on: number, point: number])[],
): Program {
  const builder = new BtfBuilder();
  const { ulong, char } = commonTypes(builder);
  const text = builder.addPtr(char);
  const pointer = builder.addPtr(0);
  const struct = (name: string, members: readonly (readonly [string, number, number])[]): number =>
    builder.addStruct(
      name,
      Math.max(...members.map(([, , offset]) => offset)) + 32,
      members.map(([member, type, offset]) => ({ name: member, type, bitOffset: offset * 8 })),
    );
  const node = builder.addStruct("hlist_node", 16, [
    { name: "next", type: pointer, bitOffset: 0 },
    { name: "pprev", type: pointer, bitOffset: 64 },
  ]);
  const head = builder.addStruct("hlist_head", 8, [
    { name: "first", type: builder.addPtr(node), bitOffset: 0 },
  ]);
  const hash = builder.addStruct("hlist_bl_node", 16, [
    { name: "next", type: pointer, bitOffset: 0 },
    { name: "pprev", type: pointer, bitOffset: 64 },
  ]);
  const qstr = builder.addStruct("qstr", 8, [{ name: "name", type: text, bitOffset: 0 }]);
  const inodeType = struct("inode", [
    ["i_mode", ulong, 0],
    ["i_link", text, 8],
  ]);
  struct("dentry", [
    ["d_parent", ulong, 0],
    ["d_hash", hash, 8],
    ["d_name", qstr, 24],
    ["d_inode", builder.addPtr(inodeType), 32],
    ["d_sib", node, 40],
    ["d_children", head, 56],
  ]);
  const list = builder.addStruct("list_head", 16, [
    { name: "next", type: pointer, bitOffset: 0 },
    { name: "prev", type: pointer, bitOffset: 64 },
  ]);
  const vfsmount = builder.addStruct("vfsmount", 16, [
    { name: "mnt_root", type: ulong, bitOffset: 0 },
    { name: "mnt_sb", type: pointer, bitOffset: 64 },
  ]);
  // The struct has a pointer to itself: its id is the one after the pointer's.
  const toMount = builder.addPtr(builder.nextId + 1);
  struct("mount", [
    ["mnt", vfsmount, 0],
    ["mnt_parent", toMount, 16],
    ["mnt_mountpoint", ulong, 24],
    ["mnt_list", list, 32],
  ]);
  struct("mnt_namespace", [["list", list, 0]]);
  const memory = new MockMemory();
  let next = texts;
  const string = (value: string): bigint => {
    const place = next;
    memory.put(place, `${value}\0`);
    next += 64n;
    return place;
  };
  for (const [index, { name, parent, children = [], link, exists = true }] of files.entries()) {
    const siblings = files[parent]!.children ?? [];
    const after = siblings[siblings.indexOf(index) + 1];
    memory.putWords(
      dentry(index),
      dentry(parent),
      0n,
      1n,
      string(name),
      exists ? inode(index) : 0n,
      after === undefined || !siblings.includes(index) ? 0n : dentry(after) + 40n,
      0n,
      children[0] === undefined ? 0n : dentry(children[0]) + 40n,
    );
    memory.putWords(
      inode(index),
      link === undefined ? 0x4000n : 0xa000n,
      link === undefined ? 0n : string(link),
    );
  }
  const links = [namespace, ...mounts.map((_, index) => mount(index) + 32n)];
  memory.putWords(namespace, links[1] ?? namespace, links.at(-1)!);
  for (const [index, [root, on, point]] of mounts.entries()) {
    const place = mount(index);
    memory.putWords(
      place,
      dentry(root),
      1n,
      mount(on),
      dentry(point),
      links[index + 2] ?? namespace,
      links[index]!,
    );
  }
  return mockProgram({ btf: builder.toBtf(), memory });
}

/** 0 is the root, with `dir` (1), `link` to it (2) and `gone` (3); 4 is mounted on `dir`, and has `file` (5). */
const files: readonly File[] = [
  { name: "/", parent: 0, children: [1, 2, 3] },
  { name: "dir", parent: 0 },
  { name: "link", parent: 0, link: "dir/./file" },
  { name: "gone", parent: 0, exists: false },
  { name: "/", parent: 4, children: [5] },
  { name: "file", parent: 4 },
];

describe("looking up a path", () => {
  const look = (program: Program, path: string): number | undefined => {
    const root = { mnt: mount(0), dentry: dentry(0) };
    const found = pathLookup(program, program.object(namespace, "struct mnt_namespace"), root, path);
    return found === undefined ? undefined : Number((found.dentry - base) / 0x1000n);
  };
  const program = machine(files, [
    [0, 0, 0],
    [4, 0, 1],
  ]);

  it("goes into what is mounted there, follows links, and comes back up", () => {
    expect(look(program, "/")).toBe(0);
    expect(look(program, "/dir")).toBe(4);
    expect(look(program, "/dir/file")).toBe(5);
    expect(look(program, "/link")).toBe(5);
    expect(look(program, "/dir/../../link")).toBe(5);
  });

  it("finds nothing where there is nothing, and where it is known that there is nothing", () => {
    expect(look(program, "/none")).toBeUndefined();
    expect(look(program, "/gone")).toBeUndefined();
    expect(look(program, "/dir/file/none")).toBeUndefined();
  });

  it("ends where links or mounts lead to themselves", () => {
    const links: readonly File[] = [
      { name: "/", parent: 0, children: [1] },
      { name: "link", parent: 0, link: "/link" },
    ];
    expect(() => look(machine(links, [[0, 0, 0]]), "/link")).toThrow("too many symbolic links");
    const onEachOther = machine(files, [
      [0, 1, 0],
      [0, 0, 0],
      [4, 2, 4],
    ]);
    expect(() => look(onEachOther, "/")).toThrow("mounts lie on each other without end");
  });
});
