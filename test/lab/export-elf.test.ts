/** What other tools make of `export elf`: readelf, nm, objdump and gdb of the system, bpftool and drgn of the peers. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { dumpMissing, guestDump } from "../guest/dumps.ts";
import { isInstalled, mustRun, run } from "./commands.ts";
import { guestBuildId } from "./guest-facts.ts";
import { dwarfless, kernelNames, peers, withTemporaryDirectory } from "./lab.ts";

/** Lines of nm or /proc/kallsyms: address and name, sorted. */
function symbolLines(text: string): string {
  const lines = text.trim().split("\n");
  const words = lines.map((line) => line.split(/\s+/));
  return words
    .map(([address, , name]) => `${address} ${name}`)
    .sort()
    .join("\n");
}

describe.each(kernelNames)("%s", (name) => {
  test("has the guest's symbols, code, types and build id, for the tools that want them", async (context) => {
    const missing = dumpMissing(name) ?? (isInstalled("gdb") ? peers().reason : "no gdb");
    context.skip(missing !== undefined, missing ?? "");
    const dump = await guestDump(name, "idle");
    await withTemporaryDirectory((directory) => {
      const file = path.join(directory, "kernel.elf");
      const exported = dwarfless(["export", "elf", dump.file("elf"), "-o", file]);
      expect([exported.status, exported.stderr]).toEqual([0, ""]);

      const listed = mustRun("nm", [file]).stdout.toString();
      expect(symbolLines(listed) === symbolLines(dump.said("kallsyms")), "nm's symbols").toBe(true);
      expect(mustRun("readelf", ["-n", file]).stdout.toString()).toContain(`Build ID: ${guestBuildId(dump)}`);
      expect(mustRun("readelf", ["-SlW", file]).stderr).toBe("");
      const raw = peers().bpftool(["btf", "dump", "file", file, "format", "raw"]).stdout;
      const own = dwarfless(["btf", "dump", file, "raw"]).stdout;
      expect(raw.length > 1e6 && raw.equals(own), "bpftool's dump").toBe(true);

      const [address] = /^(\w+) T schedule$/m.exec(dump.said("kallsyms"))!.slice(1);
      const [task] = /^(\w+) [DT] init_task$/m.exec(dump.said("kallsyms"))!.slice(1);
      // Debian's gdb knows the machine that it runs on.
      if (name.endsWith("-amd64")) {
        const questions = ["p &init_task", `info symbol 0x${address}+1`, "p/x *(unsigned char *) schedule"];
        const said = mustRun("gdb", ["-nx", "-batch", ...questions.flatMap((each) => ["-ex", each]), file]);
        const code = dwarfless(["read", dump.file("elf"), `0x${address}`, "1", "--raw"]).stdout;
        expect(said.stdout.toString().trim().split("\n")).toEqual([
          `$1 = (<data variable, no debug info> *) 0x${task} <init_task>`,
          "schedule + 1 in section .text",
          `$2 = 0x${code[0]!.toString(16)}`,
        ]);
      }

      // drgn moves what was linked by what VMCOREINFO says.
      expect(dwarfless(["export", "elf", dump.file("elf"), "-o", file, "--linked"]).status).toBe(0);
      const script = path.join(directory, "symbols.py");
      writeFileSync(
        script,
        [
          "import drgn",
          "module = prog.main_module()",
          "module.loaded_file_status = drgn.ModuleFileStatus.WANT",
          `module.try_file(${JSON.stringify(file)})`,
          'print(hex(prog.symbol("init_task").address), prog.symbol(prog.symbol("schedule").address + 1).name)',
        ].join("\n"),
      );
      const found = peers()
        .drgn(["-q", "-c", dump.file("elf"), script])
        .stdout.toString()
        .trim();
      expect(found).toBe(`0x${task} schedule`);
    });
  });
});

test("is made of dumps only, and of what they say only", async (context) => {
  const missing = dumpMissing("6.1-amd64");
  context.skip(missing !== undefined, missing ?? "");
  const dump = await guestDump("6.1-amd64", "idle");
  await withTemporaryDirectory((directory) => {
    const file = path.join(directory, "kernel.elf");
    expect(dwarfless(["export", "elf", dump.file("elf"), "-o", file]).status).toBe(0);
    const again = dwarfless(["export", "elf", file, "-o", `${file}.2`]);
    expect([again.status, again.stderr]).toEqual([2, `dwarfless: export elf: no dump: '${file}'\n`]);
    const linked = run("readelf", ["-sW", file]).stdout.toString();
    expect(linked).toMatch(/ 0000000000000000 .* ABS __per_cpu_start\n/);
  });
});
