/** Broken and hostile files: BTF or a typed error. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Btf } from "../../src/btf/index.ts";
import * as d from "../../src/dwarf/constants.ts";
import { defaultFeatureNames, featuresOf, type EncodeOptions } from "../../src/encode/options.ts";
import {
  assembleDwarf,
  atAddress,
  die,
  dwarfShapes,
  formed,
  to,
  toAny,
  type Die,
  type DwarfShape,
  type Unit,
} from "../build/dwarf.ts";
import { ByteWriter } from "../build/bytes.ts";
import { dwarfElf } from "../build/dwarf-elf.ts";
import { runHostile, type HostileOutcome } from "../build/hostile-run.ts";
import { mutate, readSections, regionsOf } from "../build/mutate.ts";
import { encodeBytes } from "./encoding.ts";

const everything: EncodeOptions = {
  features: featuresOf([...defaultFeatureNames, "global_var", "true_signature", "attributes"]),
  variables: "all",
  splitVariables: true,
  report: true,
};

function judge(outcome: HostileOutcome, cases: number): void {
  expect(outcome.failures.slice(0, 5)).toEqual([]);
  expect(outcome.encoded + outcome.refused).toBe(cases);
  // Both kinds must come, or the mutations miss what they aim at.
  expect(outcome.encoded).toBeGreaterThan(cases / 100);
  expect(outcome.refused).toBeGreaterThan(cases / 100);
}

/** A file that uses much of what the encoder reads. */
function assembled(shape: Partial<DwarfShape>, refersAcross: boolean): Uint8Array {
  const common: Die[] = [
    die("base_type:int", { name: "int", byte_size: 4, encoding: d.DW_ATE_signed }),
    die("structure_type:list", { name: "list", byte_size: 24, sibling: to("after") }, [
      die("member", { name: "next", type: to("pointer"), data_member_location: 0 }),
      die("member", { name: "bits", type: to("int"), bit_size: 3, bit_offset: 5, data_member_location: 8 }),
      die("member", { name: "flags", type: to("int"), bit_size: 3, data_bit_offset: 99 }),
      die("union_type", { byte_size: 4 }, [die("member", { name: "x", type: to("matrix") })]),
    ]),
    die("pointer_type:pointer", { byte_size: 8, type: to("list") }, [
      die(d.DW_TAG_LLVM_annotation, { name: "btf_type_tag", const_value: "tag" }),
    ]),
    die("array_type:matrix", { type: to("int") }, [
      die("subrange_type", { upper_bound: 2 }),
      die("subrange_type", { count: 3 }),
    ]),
    die("enumeration_type", { name: "e", byte_size: 8, type: to("int") }, [
      die("enumerator", { name: "A", const_value: formed("data8", 7) }),
    ]),
    die("subroutine_type", { type: to("int") }, [
      die("formal_parameter", { type: to("pointer") }),
      die("unspecified_parameters"),
    ]),
    die("typedef:after", { name: "t", type: to("list") }),
    die("variable:declared", { name: "v", type: to("matrix"), declaration: true, external: true }),
    die("variable", { specification: to("declared"), location: atAddress(0x1004, shape) }),
    die("subprogram:abstract", { name: "f", inline: 1, type: to("int") }, [
      die("formal_parameter:first", { name: formed("string", "a"), type: to("int") }),
    ]),
    die("subprogram", { abstract_origin: to("abstract"), low_pc: formed("addr", 0x2000) }, [
      die("formal_parameter", { abstract_origin: to("first"), location: formed("data4", 2) }),
      die("lexical_block", {}, [
        die("variable", { name: "count", type: to("int"), location: atAddress(0x1020, shape) }),
      ]),
      die("inlined_subroutine", { abstract_origin: to("abstract") }, []),
    ]),
  ];
  const unit = (): Unit => ({
    root: die("compile_unit", { name: "a.c", producer: "GNU C11", language: d.DW_LANG_C11 }, [
      ...common,
      ...(refersAcross ? [die("pointer_type", { type: toAny("list") })] : []),
    ]),
  });
  const lists = Uint8Array.from([9, 9, d.DW_LLE_offset_pair, 0, 4, 1, 0x55, d.DW_LLE_start_end]);
  return dwarfElf({
    shape,
    units: [unit(), unit()],
    sections: [
      { name: ".data", flags: 3, address: 0x1000, bytes: new Uint8Array(64) },
      { name: ".text", flags: 6, address: 0x2000, bytes: new Uint8Array(64) },
      {
        name: ".BTF_ids",
        flags: 2,
        address: 0x3000,
        bytes: Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0),
      },
    ],
    symbols: [
      { name: "v", value: 0x1004, byteSize: 24, type: 1, binding: 1, section: ".data" },
      { name: "count.0", value: 0x1020, byteSize: 4, type: 1, section: ".data" },
      { name: "f", value: 0x2000, byteSize: 4, type: 2, binding: 1, section: ".text" },
      { name: "__BTF_ID__set8__s", value: 0x3000, byteSize: 16, type: 1, section: ".BTF_ids" },
      { name: "__BTF_ID__func__f__1", value: 0x3008, byteSize: 0, type: 1, section: ".BTF_ids" },
    ],
    debugSections: { [shape.version === 5 ? ".debug_loclists" : ".debug_loc"]: lists },
  });
}

describe("broken assembled files", () => {
  it.each(dwarfShapes)("of $name give BTF or a typed error", async ({ name: _name, ...shape }) => {
    const seeds = 45;
    for (const refersAcross of [false, true]) {
      const bytes = assembled(shape, refersAcross);
      const regions = regionsOf(bytes, readSections);
      const cases = Array.from({ length: seeds }, (_, seed) => ({
        mutation: mutate(bytes, regions, seed),
        options: everything,
      }));
      judge(await runHostile(cases), seeds);
    }
  });
});

describe("a broken compiled file", () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), "dwarfless-compiled-"))));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ["-gdwarf-5 -O2", "-c"],
    ["-gdwarf-4 -O2 -fdebug-types-section", "-c"],
    ["-gdwarf-2 -gstrict-dwarf -O1", "-c"],
    ["-gdwarf-5 -O2 -gz", "-c"],
    ["-gdwarf-5 -O2 -nostdlib -shared -fPIC", "-g"],
  ])("of gcc %s gives BTF or a typed error", async (flags, mode) => {
    if (spawnSync("gcc", ["--version"]).status !== 0) return;
    const source = path.join(folder, "input.c");
    writeFileSync(source, compiledSource);
    const object = path.join(folder, "input.o");
    const built = spawnSync("gcc", [...flags.split(" "), mode, source, "-o", object], { encoding: "utf8" });
    expect(built.stderr).toBe("");
    const bytes = readFileSync(object);
    const regions = regionsOf(bytes, readSections);
    const seeds = 120;
    const cases = Array.from({ length: seeds }, (_, seed) => ({
      mutation: mutate(bytes, regions, seed + 1000),
      options: everything,
    }));
    judge(await runHostile(cases), seeds);
  });
});

const compiledSource = `
struct list { struct list *next, *previous; };
union value { long number; void *pointer; struct { int a : 3, b : 9; } bits; };
enum colour { RED = -1, GREEN, BLUE = 77 };
typedef int (*callback)(struct list *, enum colour, ...);
struct driver { struct list entry; union value values[3][4]; callback call; const char *name; _Bool on : 1; };
static struct driver drivers[7];
struct driver *first = drivers;
extern const int table[];
const int table[] = { 1, 2, 3 };
static int helper(struct driver *driver, int count) {
  static int calls;
  calls += count;
  return driver->call ? driver->call(&driver->entry, GREEN, calls) : calls;
}
int probe(struct driver *driver, long flags, int unused) {
  int total = 0;
  for (long i = 0; i < flags; i++) total += helper(driver + i, (int)i) + table[i % 3];
  return total;
}
int (*keep)(struct driver *, int) = helper;
`;

describe("a broken base", () => {
  it("gives BTF or a typed error", async () => {
    const bytes = assembled({}, false);
    const base = (await encodeBytes(bytes)).btf!;
    const own = assembled({ version: 4 }, false);
    const regions = [
      { name: "header", offset: 0, byteSize: 24 },
      { name: "BTF", offset: 0, byteSize: base.length },
    ];
    const seeds = 400;
    const cases = Array.from({ length: seeds }, (_, seed) => {
      const { bytes: broken, text } = mutate(base, regions, seed);
      let parsed: Btf | undefined;
      try {
        parsed = Btf.parse(broken);
      } catch {
        // Then the encode must say so too.
      }
      const features = featuresOf([...defaultFeatureNames, "distilled_base"]);
      return {
        mutation: { bytes: own, text },
        options: { base: broken, ...(seed % 2 === 0 ? everything : { features }) },
        ...(parsed === undefined || seed % 2 === 1 ? {} : { base: parsed }),
      };
    });
    // Distilled output stands over another base: it is not parsed over this one.
    const split = cases.filter((each) => each.options.splitVariables === true);
    judge(await runHostile(split), split.length);
    const distilled = await runHostile(cases.filter((each) => each.options.splitVariables !== true));
    expect(distilled.failures.filter((text) => !text.includes("BTF that cannot be read"))).toEqual([]);
  });
});

describe("hostile files", () => {
  const int = die("base_type:int", { name: "int", byte_size: 4, encoding: d.DW_ATE_signed });
  const unit = (...children: Die[]): Unit => ({
    root: die("compile_unit", { name: "a.c" }, [int, ...children]),
  });

  async function encoded(bytes: Uint8Array, options: EncodeOptions = everything): Promise<string> {
    const {
      failures,
      codes,
      encoded: count,
    } = await runHostile([{ mutation: { bytes, text: "it" }, options }]);
    expect(failures).toEqual([]);
    return count > 0 ? "BTF" : Object.keys(codes)[0]!;
  }

  function nested(depth: number, wrap: (inner: Die[]) => Die): Die[] {
    let inner: Die[] = [];
    for (let i = 0; i < depth; i++) inner = [wrap(inner)];
    return inner;
  }

  it.each([
    ["structs in structs", (inner: Die[]): Die => die("structure_type", { byte_size: 4 }, inner)],
    [
      "structs in arrays in structs",
      (inner: Die[]): Die =>
        die("structure_type", { byte_size: 4 }, [die("array_type", { type: to("int") }, inner)]),
    ],
    ["function types in function types", (inner: Die[]): Die => die("subroutine_type", {}, inner)],
    ["scopes in scopes", (inner: Die[]): Die => die("lexical_block", {}, inner)],
    ["arrays in arrays", (inner: Die[]): Die => die("array_type", { type: to("int") }, inner)],
  ])("with %s are refused when they go too deep", async (_what, wrap) => {
    expect(await encoded(dwarfElf({ units: [unit(...nested(100, wrap))] }))).toBe("BTF");
    // Deeper than any stack: one level, again and again (the builder has a stack, too).
    const infoOf = (...children: Die[]): Uint8Array =>
      assembleDwarf([unit(...children)]).sections[".debug_info"]!;
    const once = infoOf(...nested(1, wrap));
    const start = infoOf().length - 1;
    const lists = (tree: Die): number =>
      tree.children === undefined ? 0 : 1 + lists(tree.children[0] ?? int);
    const opening = once.subarray(start, once.length - 1 - lists(nested(1, wrap)[0]!));
    const deep = new ByteWriter().bytes(once.subarray(0, start));
    for (let i = 0; i < 100_000; i++) deep.bytes(opening);
    const broken = deep.bytes(new Uint8Array(200_001)).finish();
    new DataView(broken.buffer).setUint32(0, broken.length - 4, true);
    const bytes = dwarfElf({ units: [unit(...nested(1, wrap))], debugSections: { ".debug_info": broken } });
    expect(await encoded(bytes)).toBe("DWARF_NESTING");
  });

  it("whose sections are larger than the file are refused without asking for the memory", async () => {
    const bytes = dwarfElf({ units: [unit()] });
    const [, headers] = regionsOf(bytes, []);
    for (let index = 1; index < headers!.byteSize / 64; index++) {
      const broken = bytes.slice();
      new DataView(broken.buffer).setBigUint64(headers!.offset + index * 64 + 0x20, 0x7_ffff_fff0n, true);
      expect(await encoded(broken)).toMatch(/^(BTF|ELF_|TRUNCATED)/);
    }
  });

  it("with typedefs that name tails of one long string are refused", async () => {
    const long = "x".repeat(200_000);
    const typedefs = Array.from({ length: 20_000 }, (_, i) =>
      die("typedef", { name: formed("strp", 1 + i * 5), type: to("int") }),
    );
    const bytes = dwarfElf({
      units: [unit(...typedefs)],
      debugSections: { ".debug_str": Buffer.from(`\0${long}\0`) },
    });
    expect(await encoded(bytes)).toMatch(/^(NAMES_TOO_LONG|BTF_STRINGS)$/);
  });

  it("with symbols that name tails of one long string are refused", async () => {
    for (const type of [1, 2]) {
      const text = { name: ".text", flags: 6, address: 0x1000, bytes: new Uint8Array(64) };
      const symbols = Array.from({ length: 20_000 }, () => ({
        name: "f",
        value: 0x1000,
        type,
        section: ".text",
      }));
      symbols.push({ name: "x".repeat(200_000), value: 0x1000, type, section: ".text" });
      const bytes = dwarfElf({ units: [unit()], sections: [text], symbols });
      const [, , table] = regionsOf(bytes, [".symtab"]);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      for (let i = 1; i < table!.byteSize / 24; i++) view.setUint32(table!.offset + i * 24, 3 + i, true);
      expect(await encoded(bytes)).toMatch(/^(NAMES_TOO_LONG|ELF_SYMBOL_NAME)$/);
    }
  });

  it("with many variables of one very long name take little memory", async () => {
    const variables = Array.from({ length: 20_000 }, (_, i) =>
      die("variable", { name: formed("strp", 1), type: to("int"), location: atAddress(0x1000 + (i % 60)) }),
    );
    const bytes = dwarfElf({
      units: [unit(...variables)],
      sections: [{ name: ".data", flags: 3, address: 0x1000, bytes: new Uint8Array(64) }],
      debugSections: { ".debug_str": Buffer.from(`\0${"x".repeat(1_000_000)}\0`) },
    });
    expect(await encoded(bytes)).toBe("BTF");
  });

  it("whose units are one hole give BTF", async () => {
    const bytes = dwarfElf({ units: [unit()], debugSections: { ".debug_info": new Uint8Array(20_000_000) } });
    expect(await encoded(bytes)).toBe("BTF");
  });

  it.each([0, 1, 2, 3, 16, 255])(
    "with addresses of %i bytes give BTF or a typed error",
    async (addressByteSize) => {
      const variable = die("variable", { name: "v", type: to("int"), location: [d.DW_OP_addrx, 0] });
      const code = die("subprogram", { name: "f", low_pc: formed("addrx", 0) }, []);
      const bytes = dwarfElf({
        units: [{ ...unit(variable, code), shape: {} }],
        sections: [{ name: ".data", flags: 3, address: 0x1000, bytes: new Uint8Array(64) }],
        symbols: [{ name: "f", value: 0x1000, type: 2, section: ".data" }],
        debugSections: { ".debug_addr": new Uint8Array(7) },
      });
      const [, , info] = regionsOf(bytes, [".debug_info"]);
      bytes[info!.offset + 7] = addressByteSize;
      expect(await encoded(bytes)).toBeTypeOf("string");
    },
  );

  it("whose skeleton refers elsewhere, or names itself, give a warning", async () => {
    const skeleton: Unit = {
      root: die("skeleton_unit", { dwo_name: "input", type: toAny("int") }),
      unitType: d.DW_UT_skeleton,
      signature: 1n,
    };
    expect(await encoded(dwarfElf({ units: [skeleton, unit()] }))).toBe("BTF");
  });
});

describe("the command line on broken files", () => {
  const program = path.resolve(import.meta.dirname, "../../dist/cli/dwarfless.js");

  it("writes a whole output or none, and one line on an error", (context) => {
    context.skip(!existsSync(program), "dist/ is not built");
    const folder = mkdtempSync(path.join(tmpdir(), "dwarfless-broken-"));
    try {
      const bytes = assembled({}, false);
      const regions = regionsOf(bytes, readSections);
      let refused = 0;
      for (let seed = 0; seed < 12; seed++) {
        const input = path.join(folder, `input-${seed}`);
        const output = path.join(folder, `output-${seed}.btf`);
        // The first is whole and the second is cut off, so that both kinds come.
        const broken = seed === 1 ? bytes.subarray(0, 100) : mutate(bytes, regions, seed * 7).bytes;
        writeFileSync(input, seed === 0 ? bytes : broken);
        const run = spawnSync(process.execPath, [program, "encode", input, "--vars=all", "-o", output], {
          encoding: "utf8",
          timeout: 20_000,
        });
        expect(run.signal).toBeNull();
        expect(run.stderr).not.toMatch(/^\s+at /m);
        if (existsSync(output)) Btf.parse(readFileSync(output));
        else {
          refused++;
          expect(run.stderr.trim().split("\n").length).toBe(1);
        }
      }
      expect(refused).toBeGreaterThan(0);
      expect(refused).toBeLessThan(12);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
