import {
  type ElfSectionInput,
  EM_AARCH64,
  EM_X86_64,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  STB_GLOBAL,
  STT_OBJECT,
  writeElf,
} from "../elf/index.ts";
import { UsageError } from "../io/index.ts";
import type { ModuleFacts, ModuleLayout } from "./module-facts.ts";

/** A module to write. */
export interface ModuleInput {
  /** As `lsmod` shows it and `/sys/kernel/btf` lists it. */
  name: string;
  facts: ModuleFacts;
  layout: ModuleLayout;
  /** Split BTF over the kernel's own. */
  btf: Uint8Array;
  /** More of `.modinfo`: description, build id and whatever else is of use. */
  information: readonly (readonly [key: string, value: string])[];
}

/**
 * A loadable kernel module without code: all it does is carry BTF, which the kernel publishes as
 * `/sys/kernel/btf/NAME` while it is loaded. What loading asks of a module is in
 * kernel/module/main.c; arm64's sections for jump stubs in arch/arm64/kernel/module-plts.c.
 */
export function writeModule({ name, facts, layout, btf, information }: ModuleInput): Uint8Array {
  checkName(name, layout);
  const thisModule = new Uint8Array(layout.byteSize);
  thisModule.set(Buffer.from(name, "latin1"), layout.nameOffset);
  const sections: ElfSectionInput[] = [
    { name: ".modinfo", flags: SHF_ALLOC, alignment: 1, bytes: modinfoBytes(name, facts, information) },
  ];
  const { moduleLayoutCrc } = facts;
  if (moduleLayoutCrc !== undefined) {
    const bytes = versionBytes(moduleLayoutCrc, facts);
    sections.push({ name: "__versions", flags: SHF_ALLOC, alignment: 8, bytes });
  }
  sections.push({
    name: ".gnu.linkonce.this_module",
    flags: SHF_WRITE | SHF_ALLOC,
    alignment: 64,
    bytes: thisModule,
  });
  if (facts.machine === EM_AARCH64) sections.push(...jumpStubSections());
  sections.push({ name: ".BTF", flags: 0, alignment: 4, bytes: btf });
  const symbol = {
    name: "__this_module",
    value: 0n,
    byteSize: layout.byteSize,
    binding: STB_GLOBAL,
    type: STT_OBJECT,
    section: sections.findIndex((section) => section.bytes === thisModule),
  };
  const { machine, flags, is64, littleEndian } = facts;
  return writeElf({ machine, flags, is64, littleEndian, sections, symbols: [symbol] });
}

/** @throws {UsageError} for what the kernel does not take as the name of a module */
function checkName(name: string, { nameByteSize }: ModuleLayout): void {
  if (/^[A-Za-z0-9_]+$/.test(name) && name.length < nameByteSize) return;
  throw new UsageError(
    `'${name}' is no name for a module: up to ${nameByteSize - 1} letters, digits and underscores`,
  );
}

function modinfoBytes(
  name: string,
  { machine, vermagic }: ModuleFacts,
  information: ModuleInput["information"],
): Uint8Array {
  const given = new Set(information.map(([key]) => key));
  const entries: (readonly [string, string])[] = [
    ["license", "GPL"],
    ...information,
    ["depends", ""],
    // True of a module without a single instruction.
    ...(machine === EM_X86_64 ? ([["retpoline", "Y"]] as const) : []),
    ["name", name],
    ["vermagic", vermagic],
  ];
  const text = entries
    .filter((entry, index) => !given.has(entry[0]) || (index > 0 && index <= information.length))
    .map(([key, value]) => `${key}=${value}\0`);
  return Buffer.from(text.join(""), "utf8");
}

/** One struct modversion_info: 64 bytes, of which the first word is the checksum. */
function versionBytes(crc: number, { is64, littleEndian }: ModuleFacts): Uint8Array {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  if (is64) view.setBigUint64(0, BigInt(crc), littleEndian);
  else view.setUint32(0, crc, littleEndian);
  bytes.set(Buffer.from("module_layout", "latin1"), is64 ? 8 : 4);
  return bytes;
}

/** arm64 refuses modules that have no place for jump stubs, needed or not; it sizes them itself. */
function jumpStubSections(): ElfSectionInput[] {
  const names = [".plt", ".init.plt", ".text.ftrace_trampoline", ".init.text.ftrace_trampoline"];
  const flags = SHF_ALLOC | SHF_EXECINSTR;
  return names.map((name) => ({ name, flags, alignment: 1, bytes: new Uint8Array(1) }));
}
