import { forEachNameWord } from "../btf/index.ts";
import { wordCountOfInfo } from "../btf/dedup/type-words.ts";

/**
 * Make a split BTF's strings smaller: a name that another one ends with, in the base or in the split
 * itself, needs no bytes of its own, since a name is an offset and ends at the next NUL. Of a kernel's
 * variables a tenth of the bytes of names goes so.
 * @param words types whose names are offsets already; they are changed
 * @param strings the split's own string section, which begins at offset `start`
 * @param base the base's string section
 * @returns the split's new string section
 */
export function shareTails(
  words: Uint32Array,
  strings: Uint8Array,
  start: number,
  base: Uint8Array,
): Uint8Array {
  const names = namesOf(strings);
  const endings = new Set(names.map(({ text }) => text.slice(-endingLength)));
  const hosts = findHosts(names, namesOf(base, endings));
  const places = new Map<string, number>();
  const kept: string[] = [];
  let end = start;
  // First the names that stay, in the order they had, so that the others know where to point.
  for (const { text } of names) {
    if (hosts.get(text) !== text) continue;
    places.set(text, end);
    kept.push(`${text}\0`);
    end += text.length + 1;
  }
  const offsets = new Map<number, number>();
  for (const { offset, text } of names) {
    const host = hosts.get(text)!;
    const place = typeof host === "string" ? places.get(host)! + host.length : host.offset + host.text.length;
    offsets.set(start + offset, place - text.length);
  }
  for (let at = 0; at < words.length; at += wordCountOfInfo(words[at + 1]!)) {
    forEachNameWord(words, at, (word) => {
      if (words[word]! >= start) words[word] = offsets.get(words[word]!)!;
    });
  }
  return Buffer.from(kept.join(""), "latin1");
}

interface Name {
  offset: number;
  text: string;
}

/** Characters by which most names of a base are told to be no host of a few names. */
const endingLength = 4;

/** @param endings only names that end with one of these, of so many characters or fewer */
function namesOf(strings: Uint8Array, endings?: ReadonlySet<string>): Name[] {
  const lengths = endings && [...new Set([...endings].map(({ length }) => length))];
  const found: Name[] = [];
  const bytes = Buffer.from(strings.buffer, strings.byteOffset, strings.byteLength);
  for (let offset = 0; offset < bytes.length;) {
    const nul = bytes.indexOf(0, offset);
    const end = nul < 0 ? bytes.length : nul;
    const fits = (length: number): boolean =>
      end - offset >= length && endings!.has(bytes.toString("latin1", end - length, end));
    if (end > offset && (lengths === undefined || lengths.some(fits))) {
      found.push({ offset, text: bytes.toString("latin1", offset, end) });
    }
    offset = end + 1;
  }
  return found;
}

/**
 * For each name the one it is the end of: the longest such name of the split, itself if there is
 * none, or a name of the base. Written backwards and sorted, a name stands right before those that
 * go on from it, so that one pass from the back finds them all.
 */
function findHosts(names: readonly Name[], base: readonly Name[]): Map<string, string | Name> {
  const sorted = names.map(({ text }) => reversed(text)).sort(compare);
  const sortedBase = base
    .map((name) => ({ name, text: reversed(name.text) }))
    .sort((a, b) => compare(a.text, b.text));
  const hosts = new Map<string, string | Name>();
  let host: string | Name = "";
  for (let i = sorted.length - 1, after = ""; i >= 0; i--) {
    const text = sorted[i]!;
    if (i === sorted.length - 1 || !after.startsWith(text)) {
      const inBase = firstFrom(sortedBase, text);
      host = inBase?.text.startsWith(text) ? inBase.name : reversed(text);
    }
    hosts.set(reversed(text), host);
    after = text;
  }
  return hosts;
}

function firstFrom<Entry extends { text: string }>(
  sorted: readonly Entry[],
  text: string,
): Entry | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(sorted[middle]!.text, text) < 0) low = middle + 1;
    else high = middle;
  }
  return sorted[low];
}

function reversed(text: string): string {
  let result = "";
  for (let i = text.length - 1; i >= 0; i--) result += text[i]!;
  return result;
}

/** By code unit: the same everywhere, unlike the order of a language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
