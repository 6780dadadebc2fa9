/**
 * What the types of all variables of a kernel cost, and how much they cover: a column of the tables in docs/sidecars.md.
 *
 *   node scripts/variable-costs.mjs VMLINUX [DUMP]
 *
 * VMLINUX has DWARF and .BTF; DUMP is of that kernel. Prints JSON. Needs `npm run build`, and xz for one row.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Btf, BTF_KIND_DATASEC, BTF_KIND_VAR, datasecName } from "../dist/btf.js";
import { ElfFile } from "../dist/elf.js";
import { FileSource } from "../dist/index.js";
import { Kernel } from "../dist/kernel.js";

const [vmlinux, dump] = process.argv.slice(2);
if (vmlinux === undefined) throw new Error("usage: variable-costs.mjs VMLINUX [DUMP]");
const directory = mkdtempSync(path.join(tmpdir(), "dwarfless-costs-"));
const file = (name) => path.join(directory, name);
const program = path.join(import.meta.dirname, "../dist/cli/dwarfless.js");

function dwarfless(...argv) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...argv], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const STT_OBJECT = 1;
const SHF_ALLOC = 2;

/** Places of variables, by section and offset. */
function placesIn(btf) {
  const places = new Set();
  for (let id = btf.startId; id < btf.typeCount; id++) {
    if (btf.kind(id) !== BTF_KIND_DATASEC) continue;
    for (const { offset } of btf.sectionEntries(id)) places.add(`${btf.name(id)} ${offset}`);
  }
  return places;
}

/** Bytes of a split by what they are for. */
function partsOf(btf) {
  const bytes = { variables: 0, sections: 0, otherTypes: 0, names: btf.stringsBytes.length };
  for (let index = 0; index < btf.offsets.length; index++) {
    const id = btf.startId + index;
    const end = btf.offsets[index + 1] ?? btf.words.length;
    const kind = btf.kind(id);
    const part = kind === BTF_KIND_VAR ? "variables" : kind === BTF_KIND_DATASEC ? "sections" : "otherTypes";
    bytes[part] += (end - btf.offsets[index]) * 4;
  }
  return bytes;
}

function variablesIn(btf) {
  let count = 0;
  for (let id = btf.startId; id < btf.typeCount; id++) if (btf.kind(id) === BTF_KIND_VAR) count++;
  return count;
}

/** Data symbols of the image, and how many of them stand where one of the places is. */
function dataSymbols(elf, places) {
  const symbols = elf.symbolTable();
  let all = 0;
  let typed = 0;
  for (let i = 1; i < symbols.length; i++) {
    if ((symbols.info[i] & 0xf) !== STT_OBJECT) continue;
    const section = elf.sections[symbols.sectionIndex[i]];
    if (section === undefined || (section.flags & SHF_ALLOC) === 0) continue;
    all++;
    const offset = Number(symbols.value(i) - section.address);
    if (places.has(`${datasecName(section.name)} ${offset}`)) typed++;
  }
  return { all, typed };
}

/** Of the data symbols that the kernel's own table has, how many a typed variable starts at. */
async function ofKallsyms(sidecar) {
  const kernel = await Kernel.open([dump], { sidecar, modules: false });
  try {
    const typed = new Set();
    for (const { address } of kernel.variables.all()) typed.add(address);
    let all = 0;
    let found = 0;
    for (const symbol of kernel.symbols.symbols()) {
      if (symbol.kind === "function" || symbol.module !== undefined) continue;
      all++;
      if (typed.has(symbol.address)) found++;
    }
    return { all, typed: found };
  } finally {
    kernel.close();
  }
}

const source = new FileSource(vmlinux);
try {
  const elf = ElfFile.open(source);
  const own = Btf.parse(await elf.sectionBytes(elf.section(".BTF")));
  dwarfless("encode", vmlinux, "--vars=all", "-o", file("all.btf"), "--report", file("report.json"));
  dwarfless("encode", vmlinux, "--base", "own", "--split-vars", file("split.btf"));
  dwarfless("encode", vmlinux, "--base", "own", "--split-vars", file("small.btf"), "--no-function-statics");
  dwarfless("module", vmlinux, "--vars", file("split.btf"), "-o", file("vmlinux_vars.ko"));
  const sidecar = JSON.parse(dwarfless("store", "add", vmlinux, "--store", file("store"), "--json"));
  const packed = spawnSync("xz", ["--check=crc32", "--lzma2=dict=1MiB", "-c", file("vmlinux_vars.ko")], {
    maxBuffer: 1 << 28,
  });
  const all = Btf.parse(readFileSync(file("all.btf")));
  const split = Btf.parse(readFileSync(file("split.btf")), { base: own });
  const small = Btf.parse(readFileSync(file("small.btf")), { base: own });
  const { counts } = JSON.parse(readFileSync(file("report.json"), "utf8"));
  const overOwn = new Set([...placesIn(own), ...placesIn(split)]);
  const size = (name) => statSync(file(name)).size;
  const result = {
    kernel: sidecar.release,
    bytes: {
      btfAsShipped: own.header.byteSize,
      builtIn: size("all.btf"),
      split: size("split.btf"),
      splitWithoutFunctionStatics: size("small.btf"),
      moduleOnDisk: size("vmlinux_vars.ko"),
      modulePacked: packed.status === 0 ? packed.stdout.length : null,
      // What a kernel allocates for a module's BTF: the bytes, and a pointer for each type of it (kernel/bpf/btf.c).
      moduleInMemory: size("split.btf") + 8 * (split.typeCount - split.startId),
      sidecarOnDisk: sidecar.byteSize,
    },
    partsOfSplit: partsOf(split),
    partsOfSplitWithoutFunctionStatics: partsOf(small),
    variables: {
      own: variablesIn(own),
      builtIn: variablesIn(all),
      split: variablesIn(split),
      splitWithoutFunctionStatics: variablesIn(small),
    },
    dataSymbolsOfImage: {
      all: counts.dataSymbols,
      describedInDwarf: counts.dataSymbolsDescribed,
      typedBuiltIn: counts.dataSymbolsTyped,
      typedBySplit: dataSymbols(elf, overOwn).typed,
      typedAsShipped: dataSymbols(elf, placesIn(own)).typed,
    },
    ...(dump !== undefined && {
      dataSymbolsOfKallsyms: {
        asShipped: await ofKallsyms("none"),
        withSidecar: await ofKallsyms(sidecar.path),
      },
    }),
  };
  console.log(JSON.stringify(result, undefined, 2));
} finally {
  source.close();
  rmSync(directory, { recursive: true, force: true });
}
