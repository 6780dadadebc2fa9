import { BrokenLinkError } from "../kernel/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";
import { placeOf } from "./walk.ts";

/** Deeper trees are taken for damage. */
const maximumDepth = 1024;

/**
 * The hierarchies of control groups, each a `struct cgroup_root` (kernel/cgroup/cgroup-internal.h): version 2 first,
 * then those of version 1 that are mounted.
 * @throws {BrokenLinkError}
 */
export function* forEachCgroupRoot(program: Program): Generator<KernelObject, undefined> {
  const unified = program.variable("cgrp_dfl_root");
  yield unified;
  if (!program.hasVariable("cgroup_roots")) return;
  for (const root of listForEachEntry("struct cgroup_root", program.variable("cgroup_roots"), "root_list")) {
    if (root.address !== unified.address) yield root;
  }
}

/** A `struct cgroup` and its path below the root of its hierarchy. */
export interface FoundCgroup {
  cgroup: KernelObject;
  path: string;
}

/**
 * The control groups of a hierarchy, each before those inside it, in the order of their making. Removed ones that
 * something still holds are among them, see `cgroupIsDead`.
 * @throws {BrokenLinkError}
 */
export function* forEachCgroup(root: KernelObject): Generator<FoundCgroup, undefined> {
  yield* descendants(root.member("cgrp"), "", 0);
}

function* descendants(cgroup: KernelObject, path: string, depth: number): Generator<FoundCgroup, undefined> {
  yield { cgroup, path: path === "" ? "/" : path };
  const self = cgroup.member("self");
  const children = self.member("children");
  const name = `children of the cgroup at 0x${cgroup.address!.toString(16)}`;
  if (depth >= maximumDepth)
    throw new BrokenLinkError(name, children.address!, `deeper than ${maximumDepth}`);
  for (const css of listForEachEntry("struct cgroup_subsys_state", children, "sibling")) {
    // One has one parent, so damage cannot make the walk visit it again and again.
    const parent = css.member("parent").scalar() as bigint;
    if (parent !== placeOf(self)) {
      throw new BrokenLinkError(name, css.address!, `the parent of a child is 0x${parent.toString(16)}`);
    }
    const child = css.containerOf("struct cgroup", "self").dereference();
    yield* descendants(child, `${path}/${cgroupName(child)}`, depth + 1);
  }
}

/** `cgroup_name`: of its directory. @throws {FaultError} */
export function cgroupName(cgroup: KernelObject): string {
  return cgroup.member("kn").member("name").string(256);
}

/** `cgroup_parent`; undefined for the root of a hierarchy. @throws {FaultError} */
export function cgroupParent(cgroup: KernelObject): KernelObject | undefined {
  const css = cgroup.member("self").member("parent").read();
  return css.isNull ? undefined : css.containerOf("struct cgroup", "self").dereference();
}

const CSS_ONLINE = 2n;

/** `cgroup_is_dead`: removed, but not yet given back. @throws {FaultError} */
export function cgroupIsDead(cgroup: KernelObject): boolean {
  return (BigInt(cgroup.subobject("self.flags").scalar()) & CSS_ONLINE) === 0n;
}

/** Whether a process is in it or in one inside it (`cgroup_is_populated`). @throws {FaultError} */
export function cgroupIsPopulated(cgroup: KernelObject): boolean {
  // 7.2 counts those that are in it in its `self`.
  const own = cgroup.memberIf("nr_populated_csets") ?? cgroup.subobject("self.nr_populated_csets");
  const inside = ["nr_populated_domain_children", "nr_populated_threaded_children"];
  return [own, ...inside.map((name) => cgroup.member(name))].some((count) => count.isTruthy);
}

/** A controller: a `struct cgroup_subsys`. */
export interface CgroupController {
  id: number;
  name: string;
  /** Its name in version 1. */
  legacyName: string;
  isThreaded: boolean;
  /** Not to be chosen by users: always there in version 2, or never. */
  isHidden: boolean;
}

/** Controllers of this kernel, by their numbers. @throws {FaultError}; {@link LookupError} */
export function cgroupControllers(program: Program): CgroupController[] {
  const table = program.variable("cgroup_subsys");
  return program
    .type("enum cgroup_subsys_id")
    .enumerators.filter(({ name }) => name.endsWith("_cgrp_id"))
    .map(({ name: enumerator, value }) => {
      const controller = table.index(value).dereference();
      const legacyName = controller.member("legacy_name").read();
      const name = enumerator.replace(/_cgrp_id$/, "");
      return {
        id: Number(value),
        name,
        legacyName: legacyName.isNull ? name : legacyName.string(64),
        isThreaded: controller.member("threaded").isTruthy,
        // cgroup_init_subsys(): what has no files in version 2 cannot be used there.
        isHidden: controller.member("implicit_on_dfl").isTruthy || controller.member("dfl_cftypes").isNull,
      };
    });
}

/** `cgroup.type` of a group of version 2 (kernel/cgroup/cgroup.c, cgroup_type_show()). @throws {FaultError} */
export function cgroupType(cgroup: KernelObject, controllers: readonly CgroupController[]): string {
  if (cgroupIsThreaded(cgroup)) return "threaded";
  if (isThreadRoot(cgroup, controllers)) return "domain threaded";
  for (let above = cgroupParent(cgroup), depth = 0; above !== undefined; above = cgroupParent(above)) {
    // The root of all may have threads and processes.
    if (cgroupParent(above) === undefined) break;
    if (isThreadRoot(above, controllers) || cgroupIsThreaded(above)) return "domain invalid";
    if (++depth > maximumDepth)
      throw new BrokenLinkError("parents of a cgroup", above.address!, "without end");
  }
  return "domain";
}

/** `cgroup_is_threaded`: it has its resources from a group further up. @throws {FaultError} */
export function cgroupIsThreaded(cgroup: KernelObject): boolean {
  return cgroup.member("dom_cgrp").scalar() !== cgroup.address;
}

function isThreadRoot(cgroup: KernelObject, controllers: readonly CgroupController[]): boolean {
  if (cgroupIsThreaded(cgroup)) return false;
  if (cgroup.member("nr_threaded_children").isTruthy) return true;
  const own = cgroup.memberIf("nr_populated_csets") ?? cgroup.subobject("self.nr_populated_csets");
  const threaded = controllers.filter(({ isThreaded }) => isThreaded);
  return own.isTruthy && chosenIn(cgroup.member("subtree_control").number(), threaded).length > 0;
}

/** `cgroup.controllers`: those that it can hand out, which its parent chose for it. @throws {FaultError} */
export function cgroupControl(
  cgroup: KernelObject,
  controllers: readonly CgroupController[],
): CgroupController[] {
  const parent = cgroupParent(cgroup);
  if (parent === undefined) {
    const mask = cgroup.member("root").member("subsys_mask").number();
    return chosenIn(
      mask,
      cgroupIsUnified(cgroup) ? controllers.filter(({ isHidden }) => !isHidden) : controllers,
    );
  }
  if (!cgroupIsUnified(cgroup))
    return chosenIn(cgroup.member("root").member("subsys_mask").number(), controllers);
  const chosen = chosenIn(parent.member("subtree_control").number(), controllers);
  return cgroupIsThreaded(cgroup) ? chosen.filter(({ isThreaded }) => isThreaded) : chosen;
}

/** `cgroup.subtree_control`. @throws {FaultError} */
export function cgroupSubtreeControl(
  cgroup: KernelObject,
  controllers: readonly CgroupController[],
): CgroupController[] {
  return chosenIn(cgroup.member("subtree_control").number(), controllers);
}

/** Whether it is of version 2: of the hierarchy with the number 0. @throws {FaultError} */
export function cgroupIsUnified(cgroup: KernelObject): boolean {
  return cgroup.member("root").member("hierarchy_id").number() === 0;
}

function chosenIn(mask: number, controllers: readonly CgroupController[]): CgroupController[] {
  return controllers.filter(({ id }) => (mask & (2 ** id)) !== 0);
}

/**
 * What a controller keeps of a group: `struct mem_cgroup` and others; undefined where it has nothing of it.
 * @param type with a member `css`
 * @throws {FaultError}; {@link LookupError}
 */
export function cgroupState(
  cgroup: KernelObject,
  controller: CgroupController,
  type: string,
): KernelObject | undefined {
  const css = cgroup.member("subsys").index(controller.id).read();
  return css.isNull ? undefined : css.containerOf(type, "css").dereference();
}

/**
 * The groups of a `struct css_set`, one in each hierarchy: addresses of their `struct cgroup`.
 * @throws {BrokenLinkError}
 */
export function* cssSetCgroups(cssSet: KernelObject): Generator<bigint, undefined> {
  for (const link of listForEachEntry("struct cgrp_cset_link", cssSet.member("cgrp_links"), "cgrp_link")) {
    yield link.member("cgrp").scalar() as bigint;
  }
}
