import { expect, test } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import { dPath } from "./dcache.ts";

const base = 0xffff_8880_0000_0000n;
const [dentry, parent, mount, operations, inode, common, kinds, names] = Array.from(
  { length: 8 },
  (_, index) => base + 0x1000n * BigInt(index),
) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
const dname = 0xffff_ffff_8100_0000n;

function pathOf(nameFunction: string, root: bigint): string {
  const builder = new BtfBuilder();
  const { ulong, char } = commonTypes(builder);
  const text = builder.addPtr(char);
  const struct = (name: string, members: readonly (readonly [string, number])[]): number =>
    builder.addStruct(
      name,
      members.length * 8,
      members.map(([member, type], index) => ({ name: member, type, bitOffset: index * 64 })),
    );
  const pointerTo = (type: number): number => builder.addPtr(type);
  const d_op = pointerTo(struct("dentry_operations", [["d_dname", ulong]]));
  const d_inode = pointerTo(
    struct("inode", [
      ["i_ino", ulong],
      ["i_private", ulong],
    ]),
  );
  struct("ns_common", [["ops", pointerTo(struct("proc_ns_operations", [["name", text]]))]]);
  struct("dentry", [
    ["d_parent", ulong],
    ["d_hash", struct("hlist_bl_node", [["pprev", ulong]])],
    ["d_name", struct("qstr", [["name", text]])],
    ["d_op", d_op],
    ["d_inode", d_inode],
  ]);
  struct("mount", [
    ["mnt", struct("vfsmount", [["mnt_root", ulong]])],
    ["mnt_parent", ulong],
  ]);
  const memory = new MockMemory();
  memory.putWords(dentry, dentry, 0n, names + 8n, operations, inode);
  memory.putWords(parent, parent, 0n, names, 0n, 0n);
  memory.putWords(mount, root, mount);
  memory.putWords(operations, dname);
  memory.putWords(inode, 4026531840n, common);
  memory.putWords(common, kinds);
  memory.putWords(kinds, names);
  memory.put(names, "mnt\0");
  memory.put(names + 8n, "x\0");
  const symbols = [{ name: nameFunction, address: dname, byteSize: 16 }];
  const program = mockProgram({ btf: builder.toBtf(), memory, symbols });
  return dPath(program, { mnt: mount, dentry });
}

test("a namespace is named by its kind", () => {
  expect(pathOf("ns_dname", parent)).toBe("mnt:[4026531840]");
});

test("one that is mounted has the path of its mount", () => {
  expect(pathOf("ns_dname", dentry)).toBe("/");
});

test("a name that only unknown code makes is an error, never a guess", () => {
  expect(() => pathOf("other_dname", parent)).toThrow("only the function at 0xffffffff81000000 knows");
});
