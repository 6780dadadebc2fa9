import { inRun } from "../arch/index.ts";
import { directMapAddress, freePlaceOf, pageToPfn, slabObject, type SlabPlace } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { likelyStruct, memberText } from "./likely-struct.ts";
import type { Candidate, Whatis } from "./whatis-finder.ts";

/** The slab object that an address is in, whether it is in use, and the struct that it likely is. */
export function slabObjectAt(whatis: Whatis, address: bigint): Candidate | undefined {
  const place = slabPlace(whatis, address);
  if (place === undefined) return undefined;
  const { kernel, gaps } = whatis;
  const { program } = kernel;
  const { cache, object, slab, index } = place;
  const name = cache.member("name").string(256);
  const size = cache.member("object_size").number();
  const offset = address - object;
  const isInside = offset >= 0n && offset < BigInt(size);
  const free = gaps.column("free lists", () => freePlaceOf(program, place) ?? "none");
  const state =
    free === null
      ? "free or not is not known"
      : free === "none"
        ? "in use"
        : `free, in the list of a ${free}`;
  const likely = likelyStruct(program, name, size);
  const member = likely === undefined || !isInside ? "" : memberText(likely.type, Number(offset));
  const what = likely === undefined ? "" : `, likely ${likely.type.typeName()}${member}`;
  return {
    kind: "slab object",
    text: `${name}${offset > 0n ? `+${hex(offset)}` : ""}${isInside ? "" : " (beside the payload)"}, ${state}${what}`,
    start: hex(object),
    size,
    cache: name,
    evidence: [
      `struct slab ${hex(slab.address!).slice(2)}: slab_cache = ${hex(cache.address!)}, object ${index} of ${slab.member("objects").number()}`,
      `kmem_cache.name = "${name}", object_size = ${size}`,
      ...(free === "none" ? ["it is in no free list of the slab, the CPUs and their sheaves"] : []),
      ...(likely === undefined ? [] : [likely.why]),
    ],
  };
}

/** The slab is proved by its page's type, and by where page tables put its first byte. */
function slabPlace(whatis: Whatis, address: bigint): SlabPlace | undefined {
  const { direct } = whatis;
  const { program, foundation } = whatis.kernel;
  if (direct === undefined || !inRun(direct, address)) return undefined;
  const page = whatis.pageOf(address);
  if (page === undefined || page.type !== "slab") return undefined;
  const head = page.head ?? page.page;
  const frame = pageToPfn(program, BigInt(head));
  if (frame === undefined) return undefined;
  const start = directMapAddress(direct, frame * foundation.memory.pageByteSize);
  if (start === undefined || foundation.memory.translate(start) !== frame * foundation.memory.pageByteSize) {
    return undefined;
  }
  return slabObject(program, BigInt(head), start, address);
}
