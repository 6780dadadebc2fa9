import { expect, test } from "vitest";
import { htmlLines, markdownLines } from "./triage-markup.ts";
import { type Section, sectionLines } from "./triage-text.ts";

const hostile = `<script>alert("1")</script> & \u001b[31m \u202e*x* [a](b)`;
const sections: Section[] = [
  {
    title: "Facts",
    facts: [
      ["name", hostile],
      ["n", "2"],
    ],
  },
  { title: "Lines", lines: ["one", "```", hostile] },
];

test("HTML has no markup of the dump's, and asks for nothing", () => {
  const html = [...htmlLines(hostile, sections)].join("\n");
  expect(html).not.toMatch(/<script|https?:|<link|<img|src=|@import|url\(/);
  expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; ?[31m ?*x* [a](b)");
  expect(html).toContain(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'`);
  expect(html.match(/<section>/g)).toHaveLength(2);
});

test("Markdown has no markup of the dump's, in lines or out of them", () => {
  const lines = [...markdownLines("Title", sections)];
  expect(lines.join("\n")).toContain('\\<script\\>alert("1")\\</script\\> & ?\\[31m ?\\*x\\* \\[a\\](b)');
  // Only the two fences are fences.
  expect(lines.filter((line) => line.startsWith("```"))).toEqual(["```text", "```"]);
});

test("text has names in a column", () => {
  expect([
    ...sectionLines([
      {
        title: "Facts",
        facts: [
          ["name", "1"],
          ["n", "2"],
        ],
      },
      { title: "Lines", lines: ["one"] },
    ]),
  ]).toEqual(["FACTS", "  name  1", "  n     2", "", "LINES", "  one"]);
});
