// Takes the README's pictures of a page and of a terminal: FOLDER with report.html and terminal.txt, pictures into .github.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.env.NODE_PATH, "x.js"));
const puppeteer = require("puppeteer-core");
const [folder, into] = process.argv.slice(2).map((path) => resolve(path));
const escaped = (text) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
// The colours that the terminal is asked for, as elements.
const painted = (text) => escaped(text).replace(/\u001b\[([\d;]+)m/g, (_, code) => (code === "0" ? "</b>" : `<b class="c${code.replace(";", "")}">`));
const terminal = (scheme) => `<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; padding: 16px; width: max-content; background: ${scheme === "dark" ? "#0f1318" : "#fff"}; color: ${scheme === "dark" ? "#e6eaef" : "#1b1f24"}; }
  pre { margin: 0; font: 14px/1.3 "DejaVu Sans Mono", monospace; } b { font-weight: normal; } .c1 { font-weight: bold; } .c2 { color: ${scheme === "dark" ? "#9aa5b1" : "#5b6570"}; }
  .c32 { color: ${scheme === "dark" ? "#5fd185" : "#14713a"}; } .c33 { color: ${scheme === "dark" ? "#f0bb55" : "#855100"}; } .c131 { color: ${scheme === "dark" ? "#ff8f8a" : "#b3151f"}; font-weight: bold; }
</style><pre>${painted(readFileSync(join(folder, "terminal.txt"), "utf8"))}</pre>`;
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage();
for (const scheme of ["light", "dark"]) {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setViewport({ width: 1280, height: 800 });
  await page.goto(pathToFileURL(join(folder, "report.html")).href);
  // Down to the last of the checks that decide, so that no line of them is cut.
  const height = await page.$eval(".gated", (checks) => Math.ceil(checks.getBoundingClientRect().bottom) + 8);
  await page.screenshot({ path: join(into, `report-${scheme}.png`), clip: { x: 0, y: 0, width: 1280, height }, captureBeyondViewport: true });
  // The page before forbids styles that are not its own.
  await page.goto("about:blank");
  await page.setContent(terminal(scheme));
  await (await page.$("body")).screenshot({ path: join(into, `terminal-${scheme}.png`) });
}
await browser.close();
