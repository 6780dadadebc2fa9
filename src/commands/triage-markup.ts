import type { Section } from "./triage-text.ts";

/** Sections as Markdown, for a ticket. */
export function* markdownLines(title: string, sections: readonly Section[]): Generator<string> {
  yield `# ${markdownText(title)}`;
  for (const { title: heading, facts = [], lines = [] } of sections) {
    yield "";
    yield `## ${markdownText(heading)}`;
    yield "";
    for (const [name, value] of facts) yield `- **${name}**: ${markdownText(value)}`;
    if (lines.length > 0) {
      yield "```text";
      // A line of the log that ends the block would show the rest as markup.
      for (const line of lines) yield printable(line).replace(/^(\s*)(`{3,}|~{3,})/, "$1 $2");
      yield "```";
    }
  }
}

/** Characters that Markdown or HTML in it would read as their own. */
function markdownText(text: string): string {
  return printable(text).replace(/[\\`*_{}[\]<>|#]/g, (character) => `\\${character}`);
}

const style = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 0.4rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.2rem; margin: 0; }
dt { opacity: 0.7; } dd { margin: 0; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: 0.7rem 1rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 6px; font: 13px/1.45 ui-monospace, monospace; }
`;

/** Sections as one HTML file that needs nothing else: no script, no font, no request. */
export function* htmlLines(title: string, sections: readonly Section[]): Generator<string> {
  yield "<!doctype html>";
  yield `<html lang="en"><head><meta charset="utf-8"><title>${htmlText(title)}</title>`;
  yield `<meta name="viewport" content="width=device-width, initial-scale=1">`;
  yield `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
  yield `<style>${style}</style></head><body>`;
  yield `<h1>${htmlText(title)}</h1>`;
  for (const { title: heading, facts = [], lines = [] } of sections) {
    yield `<section><h2>${htmlText(heading)}</h2>`;
    if (facts.length > 0) {
      yield "<dl>";
      for (const [name, value] of facts) yield `<dt>${htmlText(name)}</dt><dd>${htmlText(value)}</dd>`;
      yield "</dl>";
    }
    if (lines.length > 0) yield `<pre>${lines.map(htmlText).join("\n")}</pre>`;
    yield "</section>";
  }
  yield "</body></html>";
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function htmlText(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => entities[character]!);
}

/** Text of a dump is hostile: control characters become `?`. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "?");
}
