/**
 * `btf check` and real kernels on the same BTFs: every one goes into a module that a guest loads, and
 * the kernel publishes under /sys/kernel/btf only what it has taken.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { Btf, BtfBuilder, checkBtf, distill, relocateBtf, rulesOfRelease } from "../../src/btf/index.ts";
import { ElfFile, replaceSections } from "../../src/elf/index.ts";
import { MemorySource } from "../../src/io/index.ts";
import { factsOfModule, moduleLayout, writeModule } from "../../src/module/index.ts";
import { mutate, randomNumbers, type Region } from "../build/mutate.ts";
import { elfSection, elfSectionOf, plainModule } from "../guest/elf-section.ts";
import { runInGuest } from "../guest/guest.ts";
import { emulatorMissing } from "../guest/platform.ts";
import { type Kernel, kernel, kernelMissing, kernelModules, withTemporaryDirectory } from "./lab.ts";

const names = ["6.1-amd64", "6.12-amd64", "7.2-amd64"] as const;
/** Per kernel; a third of them unharmed or with a small change. */
const caseCount = Number(process.env["DWARFLESS_CHECK_CASES"] ?? 210);

/** Name of the case that is split from a distilled base, and whole. */
const distilledCase = "distilled";

interface Case {
  text: string;
  btf: Uint8Array;
  distilledBase?: Uint8Array;
}

describe.each(names)("%s", (name) => {
  test("takes and refuses the BTF that check takes and refuses", { timeout: 600_000 }, async (context) => {
    needed(name, context);
    const of = kernel(name);
    const base = Btf.parse(elfSection(of.vmlinux, ".BTF")!, { name: "vmlinux" });
    const cases = makeCases(of, base);
    const { published, relocated } = await load(of, base, cases);
    const rules = rulesOfRelease(of.release)!;
    const differing: string[] = [];
    let taken = 0;
    cases.forEach((one, index) => {
      const { problems } = checkBtf(one.btf, {
        base,
        kernel: rules,
        ...(one.distilledBase && { distilledBase: one.distilledBase }),
      });
      const kernelTakes = published[index] === true;
      if (kernelTakes) taken++;
      if (kernelTakes === (problems.length === 0)) return;
      differing.push(
        `${one.text}: the kernel ${kernelTakes ? "takes" : "refuses"} it, check says ${problems[0]?.text ?? "nothing"}`,
      );
    });
    expect(differing).toEqual([]);
    // After it has relocated a BTF, the kernel publishes what has become of it.
    if (rules === "6.1") expect(relocated).toBeUndefined();
    else {
      const { btf, distilledBase } = cases.find((one) => one.text === distilledCase)!;
      const split = Btf.parse(btf, { base: Btf.parse(distilledBase!) });
      expect(relocated?.equals(relocateBtf(split, base))).toBe(true);
    }
    // What is whole was taken, so a module that is not there was refused for its BTF. (6.1 knows no distilled base.)
    expect(published[0]).toBe(true);
    // Neither verdict is the rare one.
    expect(taken).toBeGreaterThan(cases.length / 10);
    expect(cases.length - taken).toBeGreaterThan(cases.length / 3);
    console.log(`${name}: ${cases.length} BTFs, ${taken} taken, ${cases.length - taken} refused`);
  });
});

function needed(name: (typeof names)[number], context: TestContext): void {
  const reason = kernelMissing(name) ?? emulatorMissing("amd64");
  if (reason !== undefined) context.skip(reason);
}

/** Small BTFs as they are, then one mutation after another of them. */
function makeCases(of: Kernel, base: Btf): Case[] {
  const own = sample(base);
  const shipped = kernelModules(of)
    .filter(({ path: file }) => /lib\/crc7$|fs\/fat\/fat$|drivers\/net\/dummy$/.test(file))
    .map(({ name, shipped: file }) => ({
      text: name,
      btf: Uint8Array.from(elfSectionOf(plainModule(file), ".BTF") ?? []),
    }))
    .filter(({ btf }) => btf.length > 0);
  const distilled = distill(Btf.parse(own, { base }));
  const plain: Case[] = [
    { text: "every kind", btf: own },
    ...shipped,
    { text: distilledCase, btf: distilled.split, distilledBase: distilled.base },
  ];
  const cases = [...plain];
  for (let seed = 0; cases.length < caseCount; seed++) {
    const original = plain[seed % plain.length]!;
    const random = randomNumbers(seed + 1_000_000);
    const harmsBase = original.distilledBase !== undefined && random(2) === 0;
    const bytes = harmsBase ? original.distilledBase! : original.btf;
    const mutation = random(3) > 0 ? changeField(bytes, seed) : mutate(bytes, regions(bytes), seed);
    const changed = { ...original, text: `${original.text}, ${mutation.text}` };
    if (harmsBase) changed.distilledBase = mutation.bytes;
    else changed.btf = mutation.bytes;
    // Before it relocates, the kernel does not look at ids that lead nowhere: it would read beyond its table.
    if (original.distilledBase !== undefined && leadsNowhere(changed)) continue;
    cases.push(changed);
  }
  return cases;
}

function leadsNowhere({ btf, distilledBase }: Case): boolean {
  return checkBtf(btf, { distilledBase: distilledBase!, kernel: "7.2" }).remark !== undefined;
}

/** One word of one type set to something that a rule may be about. */
function changeField(bytes: Uint8Array, seed: number): { bytes: Uint8Array; text: string } {
  const random = randomNumbers(seed);
  const changed = Uint8Array.from(bytes);
  const view = new DataView(changed.buffer);
  const types = view.getUint32(4, true) + view.getUint32(8, true);
  const words = view.getUint32(12, true) / 4;
  const word = random(4) === 0 ? random(6) : random(words);
  const at = random(12) === 0 ? 8 + random(4) * 4 : types + word * 4;
  const before = view.getUint32(at, true);
  const after = [
    0,
    1,
    before + 1,
    before - 1,
    before ^ 0x8000_0000,
    before ^ (1 << random(32)),
    before << 1,
    random(40) << 24,
    0xffff_ffff,
    random(1 << 20),
  ][random(10)]!;
  view.setUint32(at, after >>> 0, true);
  return {
    bytes: changed,
    text: `seed ${seed}: 0x${before.toString(16)} at 0x${at.toString(16)} made 0x${(after >>> 0).toString(16)}`,
  };
}

function regions(bytes: Uint8Array): Region[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = view.getUint32(4, true);
  const types = view.getUint32(12, true);
  return [
    { name: "header", offset: 0, byteSize: header },
    { name: "types", offset: header, byteSize: types },
    { name: "strings", offset: header + types, byteSize: bytes.length - header - types },
  ];
}

/** Every kind, most of them with references into the base. */
function sample(base: Btf): Uint8Array {
  const b = new BtfBuilder({ base });
  const find = (kind: number, name: string): number => {
    for (let id = 1; id < base.typeCount; id++)
      if (base.kind(id) === kind && base.name(id) === name) return id;
    throw new Error(`no ${name}`);
  };
  const int = find(1, "int");
  const list = find(4, "list_head");
  const own = b.addStruct("dwarfless_case", 48, [
    { name: "list", type: list, bitOffset: 0 },
    { name: "count", type: int, bitOffset: 128 },
    { name: "low", type: int, bitOffset: 160, bitfieldSize: 3 },
    { name: "high", type: int, bitOffset: 163, bitfieldSize: 5 },
    { name: "next", type: b.nextId + 1, bitOffset: 192 },
    { name: "", type: b.nextId + 2, bitOffset: 256 },
  ]);
  const pointer = b.addPtr(own);
  b.addUnion("", 8, [
    { name: "a", type: int, bitOffset: 0 },
    { name: "b", type: pointer, bitOffset: 0 },
  ]);
  b.addArray(pointer, int, 7);
  b.addEnum("dwarfless_colour", 4, [
    { name: "DWARFLESS_RED", value: -1 },
    { name: "DWARFLESS_BLUE", value: 7 },
  ]);
  b.addEnum64("dwarfless_wide", 8, [{ name: "DWARFLESS_HIGH", value: 1n << 40n }]);
  b.addFloat("dwarfless_float", 8);
  b.addInt("dwarfless_int", 8, 1);
  b.addTypedef("dwarfless_t", b.addConst(b.addVolatile(b.addRestrict(pointer))));
  b.addPtr(b.addTypeTag("user", b.addConst(own)));
  b.addFwd("dwarfless_later");
  b.addFwd("dwarfless_union", true);
  const prototype = b.addFuncProto(int, [
    { name: "first", type: pointer },
    { name: "", type: 0 },
  ]);
  const work = b.addFunc("dwarfless_work", prototype);
  b.addDeclTag("bpf_kfunc", work);
  b.addDeclTag("of a member", own, 1);
  b.addDatasec(".data", 64, [
    { type: b.addVar("dwarfless_one", int), offset: 0, byteSize: 4 },
    { type: b.addVar("dwarfless_two", own), offset: 8, byteSize: 48 },
  ]);
  return b.finish();
}

interface Loaded {
  published: boolean[];
  /** What the kernel published for {@link distilledCase}. */
  relocated: Buffer | undefined;
}

/** Boot once, load all of them one after another: true where the kernel published the BTF. */
function load(of: Kernel, base: Btf, cases: readonly Case[]): Promise<Loaded> {
  return withTemporaryDirectory(async (directory) => {
    const like = kernelModules(of)[0]!;
    const plain = plainModule(like.shipped);
    const facts = await factsOfModule(ElfFile.open(new MemorySource(plain)));
    const layout = moduleLayout(base);
    const files = cases.map(({ btf, distilledBase }, index) => {
      const file = path.join(directory, `${index}.ko`);
      writeFileSync(file, writeModule({ name: "btfcase", facts, layout, btf, information: [] }));
      if (distilledBase !== undefined) replaceSections(file, [{ name: ".BTF.base", bytes: distilledBase }]);
      return { path: `${index}.ko`, content: { file } };
    });
    const whole = cases.findIndex(({ text }) => text === distilledCase);
    const { notes, files: sent } = await runInGuest(of, files, script(cases.length, whole), {
      memory: 512,
      timeout: 400_000,
    });
    const lines = notes.filter((line) => line.startsWith("case "));
    expect(lines.length).toBe(cases.length);
    const published = lines.map((line) => line.endsWith(" published"));
    return { published, relocated: sent.get("relocated") };
  });
}

function script(count: number, sent: number): string {
  return `
for i in $(seq 0 ${count - 1}); do
  insmod $i.ko; status=$?
  word=refused; [ -e /sys/kernel/btf/btfcase ] && word=published
  note case $i insmod $status $word
  [ $i = ${sent} ] && emit relocated /sys/kernel/btf/btfcase
  rmmod btfcase
done
`;
}
