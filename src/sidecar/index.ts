export { compareTypes, type TypeAgreement } from "./agreement.ts";
export { type Allocate, readBtfFile, readDistilledBase } from "./btf-file.ts";
export { causeOf, type Fetched, fetchSidecar, isUrl } from "./http.ts";
export { type ModuleSubject, openModulePart, type SidecarModule } from "./module-part.ts";
export { serveStore } from "./serve.ts";
export { findModuleSidecar, openSidecar, type Sidecar, type SidecarSubject } from "./sidecar.ts";
export {
  type Checksum,
  checksumOf,
  isBuildId,
  isSidecarFile,
  type ModuleInput,
  type ModulePart,
  readSidecar,
  readSidecarHeader,
  type SectionPlace,
  type SidecarHeader,
  sidecarName,
  writeSidecar,
} from "./sidecar-file.ts";
export {
  addToStore,
  defaultStore,
  listStore,
  maximumSidecarBytes,
  readSidecarBytes,
  type StoredSidecar,
} from "./store.ts";
export { firstMisfit } from "./variable-sizes.ts";
