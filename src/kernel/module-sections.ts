import { datasecName } from "../btf/index.ts";
import { findBuildId } from "../elf/index.ts";
import { FaultError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import type { Type } from "../program/index.ts";
import type { KernelModule } from "./modules.ts";
import { StructReader } from "./struct-reader.ts";

/** Modules have 20 to 60 sections. */
const maximumSections = 4096;
/** A note of 12 bytes and its name, before the build id. */
const noteHeadByteSize = 16;

/**
 * Where the kernel put the sections of a module, by their names as a DATASEC has them: what
 * /sys/module/NAME/sections shows (`sect_attrs`, kernel/module/sysfs.c; with CONFIG_KALLSYMS). Sections
 * whose memory the module has no more, as `.init.data`, and names that several have are left out.
 */
export function readModuleSections(
  memory: VirtualMemory,
  module: KernelModule,
  findStruct: (name: string) => Type | undefined,
): ReadonlyMap<string, bigint> {
  const sections = new Map<string, bigint>();
  const [moduleType, listType, attributeType] = [
    findStruct("module"),
    findStruct("module_sect_attrs"),
    findStruct("bin_attribute"),
  ];
  if (moduleType === undefined || listType === undefined || attributeType === undefined) return sections;
  const owner = new StructReader(memory, moduleType);
  const list = new StructReader(memory, listType);
  const attribute = new StructReader(memory, attributeType);
  if (!owner.has("sect_attrs") || !list.has("grp.bin_attrs") || !attribute.has("attr.name")) return sections;
  // 7.2 keeps the address in the attribute itself; 6.1 and 6.12 behind it.
  const entryType = findStruct("module_sect_attr");
  const entry = entryType && new StructReader(memory, entryType);
  const addressOf = (at: bigint): bigint =>
    entry?.has("address") && entry.has("battr")
      ? entry.unsigned(at - entry.byteOffset("battr"), "address")
      : attribute.unsigned(at, "private");
  const severalTimes = new Set<string>();
  try {
    const attributes = owner.unsigned(module.address, "sect_attrs");
    if (attributes === 0n) return sections;
    const pointers = list.unsigned(attributes, "grp.bin_attrs");
    for (let index = 0n; pointers !== 0n && index < maximumSections; index++) {
      const at = memory.readU64(pointers + index * 8n);
      if (at === 0n) break;
      const address = addressOf(at);
      const name = datasecName(memory.readCString(attribute.unsigned(at, "attr.name"), 256));
      if (sections.has(name)) severalTimes.add(name);
      if (isKept(module, address)) sections.set(name, address);
    }
  } catch (error) {
    // What was read until then is what the kernel says.
    if (!(error instanceof FaultError)) throw error;
  }
  for (const name of severalTimes) sections.delete(name);
  if (module.perCpu !== undefined) sections.set(".data..percpu", module.perCpu.address);
  return sections;
}

function isKept({ regions }: KernelModule, address: bigint): boolean {
  return regions.some((region) => {
    const offset = address - region.address;
    return offset >= 0n && offset < BigInt(region.byteSize);
  });
}

/** The build id in a module's own note, lower-case hexadecimal; undefined where it has none. */
export function noteBuildId(
  memory: VirtualMemory,
  sections: ReadonlyMap<string, bigint>,
): string | undefined {
  const address = sections.get(datasecName(".note.gnu.build-id"));
  if (address === undefined) return undefined;
  try {
    const idByteSize = memory.readU32(address + 4n);
    if (idByteSize > 64) return undefined;
    const bytes = memory.read(address, noteHeadByteSize + idByteSize);
    const id = findBuildId(bytes, memory.littleEndian, 4);
    return id && Buffer.from(id).toString("hex");
  } catch (error) {
    if (error instanceof FaultError) return undefined;
    throw error;
  }
}
