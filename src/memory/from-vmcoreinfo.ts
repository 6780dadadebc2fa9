import { aarch64, x86_64, type Architecture } from "../arch/index.ts";
import { FormatError } from "../io/index.ts";
import type { LinearRun, Translation } from "./translation.ts";
import type { Vmcoreinfo } from "./vmcoreinfo.ts";

/** Where x86-64's kernel image starts if it was linked for physical address 0: `__START_KERNEL_map`. */
export const x86ImageBase = 0xffff_ffff_8000_0000n;
/** Largest kernel image with KASLR; without it the kernel reserves half of this. */
const x86ImageByteSize = 0x4000_0000n;
/** More than any image of a kernel for aarch64 has. */
const armImageByteSize = 0x4000_0000n;

/** The architecture that wrote a VMCOREINFO, by what only it mentions. */
export function architectureOfVmcoreinfo(info: Vmcoreinfo): Architecture | undefined {
  if (info.number("phys_base") !== undefined || info.symbol("phys_base") !== undefined) return x86_64;
  if (info.number("kimage_voffset") !== undefined) return aarch64;
  return undefined;
}

/**
 * The translation that a VMCOREINFO describes. Nothing is read from memory, so nothing is checked: see
 * {@link checkTranslation}.
 * @throws {FormatError} `VMCOREINFO` when a fact is missing or makes no sense.
 */
export function translationFromVmcoreinfo(info: Vmcoreinfo, architecture: Architecture): Translation {
  if (architecture === x86_64) return x86Translation(info);
  if (architecture === aarch64) return armTranslation(info);
  throw new FormatError("VMCOREINFO", `no rules for VMCOREINFO of ${architecture.name}`);
}

function x86Translation(info: Vmcoreinfo): Translation {
  const physBase = info.number("phys_base");
  if (physBase === undefined) throw missing("NUMBER(phys_base)");
  const root = info.symbol("init_top_pgt") ?? info.symbol("init_level4_pgt") ?? info.symbol("swapper_pg_dir");
  if (root === undefined) throw missing("SYMBOL(swapper_pg_dir)");
  const image = x86Image(physBase, info.number("KERNEL_IMAGE_SIZE"));
  return {
    architecture: x86_64,
    pageByteSize: 4096,
    tables: {
      root: physicalAddress(root + image.delta, "of the top page table"),
      pageShift: 12,
      virtualAddressBits: info.number("pgtable_l5_enabled") === 1n ? 57 : 48,
      encryptionMask: info.number("sme_mask") ?? 0n,
      largePhysicalAddresses: false,
    },
    runs: [image],
    how: "VMCOREINFO",
  };
}

/** The run of x86-64's kernel image; phys_base may be negative. */
export function x86Image(physBase: bigint, byteSize?: bigint): LinearRun {
  const sensible = byteSize !== undefined && byteSize > 0n && byteSize <= x86ImageByteSize;
  return {
    name: "image",
    start: x86ImageBase,
    byteSize: sensible ? byteSize : x86ImageByteSize,
    delta: BigInt.asUintN(64, physBase - x86ImageBase),
  };
}

function armTranslation(info: Vmcoreinfo): Translation {
  const imageOffset = info.number("kimage_voffset");
  if (imageOffset === undefined) throw missing("NUMBER(kimage_voffset)");
  const root = info.symbol("swapper_pg_dir");
  if (root === undefined) throw missing("SYMBOL(swapper_pg_dir)");
  const pageByteSize = info.pageSize;
  if (pageByteSize === undefined) throw missing("PAGESIZE");
  const compiledBits = Number(info.number("VA_BITS") ?? 0n);
  const t1sz = info.number("TCR_EL1_T1SZ");
  // With 64 KiB pages a kernel for 52 bits keeps its tables in that shape on 48-bit processors.
  const bits = pageByteSize === 65536 || t1sz === undefined ? compiledBits : 64 - Number(t1sz);
  if (!(bits >= 36 && bits <= 52)) throw missing("NUMBER(VA_BITS) between 36 and 52");
  const physicalOffset = info.number("PHYS_OFFSET");
  const stext = info.symbol("_stext") ?? root;
  const runs = [armImage(imageOffset, stext)];
  if (physicalOffset !== undefined && compiledBits >= 36)
    runs.push(armLinear(compiledBits, physicalOffset, stext));
  return {
    architecture: aarch64,
    pageByteSize,
    tables: {
      root: physicalAddress(root - imageOffset, "of the top page table"),
      pageShift: Math.log2(pageByteSize),
      virtualAddressBits: bits,
      encryptionMask: 0n,
      largePhysicalAddresses: pageByteSize !== 65536 && bits === 52,
    },
    runs,
    how: "VMCOREINFO",
  };
}

/** The run of aarch64's kernel image, around an address of its text. */
export function armImage(imageOffset: bigint, stext: bigint): LinearRun {
  return {
    name: "image",
    start: stext & ~0x1f_ffffn,
    byteSize: armImageByteSize,
    delta: BigInt.asUintN(64, -imageOffset),
  };
}

/** The linear map: since 5.4 the lower half of the kernel's addresses, before that the upper one. */
export function armLinear(compiledBits: number, physicalOffset: bigint, stext: bigint): LinearRun {
  const half = 1n << BigInt(compiledBits - 1);
  const imageIsUpper = (stext & half) !== 0n;
  const start = BigInt.asUintN(64, imageIsUpper ? -2n * half : -half);
  return { name: "linear", start, byteSize: half, delta: BigInt.asUintN(64, physicalOffset - start) };
}

function physicalAddress(address: bigint, what: string): number {
  const wrapped = BigInt.asUintN(64, address);
  if (wrapped >= 2n ** 52n)
    throw new FormatError("VMCOREINFO", `0x${wrapped.toString(16)} is no physical address ${what}`);
  return Number(wrapped);
}

function missing(fact: string): FormatError {
  return new FormatError("VMCOREINFO", `VMCOREINFO has no ${fact}`);
}
