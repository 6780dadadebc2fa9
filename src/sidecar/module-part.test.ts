import { expect, test } from "vitest";
import { Btf, BtfBuilder } from "../btf/index.ts";
import { type ModuleSubject, openModulePart, type SidecarModule } from "./module-part.ts";
import { checksumOf } from "./sidecar-file.ts";

const buildId = "0123456789abcdef0123456789abcdef01234567";
const otherId = "ff23456789abcdef0123456789abcdef01234567";

function kernelBytes(): Uint8Array {
  const builder = new BtfBuilder();
  builder.addInt("int", 4, 1);
  return builder.finish();
}

/** A module's own BTF, with a struct of so many bytes. */
function ownBytes(byteSize = 8): Uint8Array {
  const builder = new BtfBuilder({ base: Btf.parse(kernelBytes()) });
  builder.addStruct("of_module", byteSize, [{ name: "count", type: 1, bitOffset: 0 }]);
  return builder.finish();
}

const kernelBtf = Btf.parse(kernelBytes());
const own = Btf.parse(ownBytes(), { base: kernelBtf });

/** Split from the kernel's BTF and the module's own, with a variable of a type of each. */
function variables(entryByteSize = 8): Uint8Array {
  const builder = new BtfBuilder({ base: own });
  const entries = [
    { type: builder.addVar("a", 1), offset: 0, byteSize: 4 },
    { type: builder.addVar("b", 2), offset: 8, byteSize: entryByteSize },
  ];
  builder.addDatasec(".data", 16, entries);
  return builder.finish();
}

function module(bytes = variables(), base: Uint8Array | undefined = ownBytes()): SidecarModule {
  const part = {
    name: "loop",
    buildId,
    base: base && checksumOf(base),
    btf: checksumOf(bytes),
    variables: 2,
  };
  return { part, bytes, path: "x.sidecar", kernelBase: checksumOf(kernelBytes()) };
}

const subject: ModuleSubject = {
  buildId,
  kernelBtf,
  kernelChecksum: () => checksumOf(kernelBytes()),
  own,
  ownBytes: () => ownBytes(),
};

test("is taken over the kernel's BTF and the module's own", () => {
  const btf = openModulePart(module(), subject);
  const struct = btf.sizeOrType(btf.startId + 1);
  expect([btf.name(btf.startId + 1), btf.name(struct)]).toEqual(["b", "of_module"]);
  // The kernel need not keep the build id: the checksum of the module's own BTF tells it.
  expect(openModulePart(module(), { ...subject, buildId: undefined }).typeCount).toBe(btf.typeCount);
});

test.each<[string, SidecarModule, Partial<ModuleSubject>, RegExp]>([
  ["another build", module(), { buildId: otherId }, /its build id is 0123\w+, the dump's ff23/],
  ["another kernel", module(), { kernelChecksum: () => checksumOf(ownBytes()) }, /another kernel's BTF/],
  ["a base not named", { ...module(), kernelBase: undefined }, {}, /another kernel's BTF/],
  ["other BTF of the module", module(), { ownBytes: () => ownBytes(16) }, /another BTF than the module's/],
  ["a module without BTF", module(), { own: undefined }, /another BTF than the module's/],
  ["sizes that do not fit", module(variables(12)), {}, /b has 12 bytes and its type 8 bytes$/],
  [
    "nothing that tells it",
    { ...module(), part: { ...module().part, base: undefined } },
    { buildId: undefined },
    /does not have its build id$/,
  ],
])("is refused for %s", (_, part, changed, message) => {
  expect(() => openModulePart(part, { ...subject, ...changed })).toThrow(message);
  expect(() => openModulePart(part, { ...subject, ...changed })).toThrow(/^x\.sidecar: module loop: /);
});
