import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError } from "../io/index.ts";
import { AddressSpace } from "./address-space.ts";
import type { Translation } from "./translation.ts";
import type { Vmcoreinfo } from "./vmcoreinfo.ts";

/** What a translation was tested by. It is good when something could be tested and nothing failed. */
export interface TranslationCheck {
  ok: boolean;
  /** For people, one line each. */
  passed: string[];
  failed: string[];
}

/** What is known of the kernel, to test a translation by. */
export interface KnownPlaces {
  vmcoreinfo?: Vmcoreinfo | undefined;
  /** Virtual addresses of symbols. */
  virtualOf?: (name: string) => bigint | undefined;
}

/**
 * Test a translation against memory:
 * - the page tables put `_stext` where the constant distance of the image puts it
 * - `init_uts_ns` names Linux, and the release that VMCOREINFO states
 * - `linux_banner` begins with "Linux version " and that release
 */
export function checkTranslation(
  memory: PhysicalMemory,
  translation: Translation,
  known: KnownPlaces,
): TranslationCheck {
  const passed: string[] = [];
  const failed: string[] = [];
  const space = new AddressSpace(memory, translation);
  const addressOf = (name: string): bigint | undefined =>
    known.vmcoreinfo?.symbol(name) ?? known.virtualOf?.(name);
  const tell = (ok: boolean, text: string): void => void (ok ? passed : failed).push(text);
  const attempt = (what: string, test: () => void): void => {
    try {
      test();
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      failed.push(`${what}: ${error.message}`);
    }
  };

  const stext = addressOf("_stext");
  if (stext !== undefined && translation.tables !== undefined)
    attempt("_stext", () => checkImage(space, translation, stext, tell));
  const release = known.vmcoreinfo?.osRelease;
  const utsname = addressOf("init_uts_ns");
  const nameOffset = known.vmcoreinfo?.offset("uts_namespace.name");
  if (utsname !== undefined && nameOffset !== undefined)
    attempt("init_uts_ns", () => checkUtsname(space, utsname + BigInt(nameOffset), release, tell));
  const banner = addressOf("linux_banner");
  if (banner !== undefined) attempt("linux_banner", () => checkBanner(space, banner, release, tell));
  return { ok: passed.length > 0 && failed.length === 0, passed, failed };
}

type Tell = (ok: boolean, text: string) => void;

function checkImage(space: AddressSpace, translation: Translation, stext: bigint, tell: Tell): void {
  const physical = space.translate(stext);
  // Without its table the run would have answered, and would agree with itself.
  if (space.runAnswers > 0) return;
  const image = translation.runs.find((run) => run.name === "image");
  if (image === undefined) return;
  const expected = BigInt.asUintN(64, stext + image.delta);
  if (BigInt(physical) === expected) tell(true, "page tables and image agree on _stext");
  else
    tell(
      false,
      `_stext is at 0x${physical.toString(16)} by page tables, at 0x${expected.toString(16)} by the image`,
    );
}

/** Linux `struct new_utsname`: six texts of 65 bytes. */
function checkUtsname(space: AddressSpace, name: bigint, release: string | undefined, tell: Tell): void {
  const system = space.readCString(name, 65);
  if (system !== "Linux") return tell(false, `init_uts_ns names the system ${JSON.stringify(system)}`);
  const inMemory = space.readCString(name + 130n, 65);
  // A container's host may rename a release, but not that of init_uts_ns.
  tell(
    release === undefined || inMemory === release,
    inMemory === release
      ? `init_uts_ns names release ${release}`
      : `init_uts_ns names release ${JSON.stringify(inMemory)}${release === undefined ? "" : `, VMCOREINFO ${release}`}`,
  );
}

function checkBanner(space: AddressSpace, banner: bigint, release: string | undefined, tell: Tell): void {
  const start = `Linux version ${release === undefined ? "" : `${release} `}`;
  const text = space.readCString(banner, 256);
  if (text.startsWith(start)) tell(true, `linux_banner is "${start.trimEnd()}"`);
  else tell(false, `linux_banner is ${JSON.stringify(text.slice(0, 60))}`);
}
