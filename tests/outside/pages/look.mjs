// Opens every page of a folder in Chromium and tells what does not hold: the console, requests, points, tables, the
// keyboard, accessibility by axe-core, and what is cut or does not fit. LOADGATE_PICTURES=FOLDER keeps pictures: the first
// screen, and the whole page with everything open in parts that a person can look at, at 1280 and 390 pixels, light and dark,
// and as it is printed.
import { createRequire } from "node:module";
import { existsSync, readFileSync, readdirSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.env.NODE_PATH, "x.js"));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const folder = process.argv[2];
const shots = process.env.LOADGATE_PICTURES;
// A part of a long page is no higher, so that it can be read.
const HIGHEST = 1600;
const wrong = [];
const claims = (name) => (holds, what) => { if (!holds) wrong.push(`${name}: ${what}`); };

// Points that a curve over the percentiles is drawn by.
const CURVE = 81;
// A pair in which the generator was at most so late is never dropped.
const NEVER_LATE_S = 0.005;
// The parts of a request that are drawn.
const PARTS = ["queue", "late", "dns", "connect", "tls", "first_byte", "body"];
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const end = (slice) => slice.start_s + slice.length_s;
const isBase = (of) => of.arm === "base";

// The moments of a timeline: seconds, of which the last piece is none of its own where it is short, or the slices of a duet
// whose turns are short. Each with its arm (both: none), its phase and how many of the three quantiles it has.
function moments(record) {
  const seconds = record.timeline ?? [];
  const quantiles = (of) => ["p50_ms", "p95_ms", "p99_ms"].filter((key) => of.some((second) => second[key] !== undefined));
  const lengths = record.slices.filter((slice) => slice.pair !== undefined).map((slice) => slice.length_s).sort((a, b) => a - b);
  if (record.base && lengths.length > 0 && lengths[Math.floor(lengths.length / 2)] < 3) {
    return record.slices.map((slice) => ({
      arm: isBase(slice) ? "base" : "target",
      phase: slice.phase,
      quantiles: slice.cells.some((cell) => cell.quantiles_ms) ? ["p50_ms", "p95_ms", "p99_ms"] : [],
    }));
  }
  const left = record.run.duration_s - (seconds.length - 1);
  const short = seconds.length > 1 && Math.abs(left) < 0.5;
  const count = seconds.length - (short ? 1 : 0);
  return seconds.slice(0, count).map((second, index) => {
    const isLast = index === count - 1;
    const length = isLast ? (short ? 1 + Math.max(left, 0) : left >= 0.5 && left < 1 ? left : 1) : 1;
    const middle = record.slices.find((slice) => slice.start_s <= index + length / 2 && index + length / 2 < end(slice));
    const arms = new Set(record.slices.filter((slice) => slice.start_s < index + length && end(slice) > index).map(isBase));
    const arm = !record.base ? "target" : arms.size === 1 ? ([...arms][0] ? "base" : "target") : undefined;
    return { arm, phase: middle?.phase, quantiles: quantiles(short && isLast ? [second, seconds[count]] : [second]) };
  });
}

// Bars of where the time goes, and the parts that they are made of.
function bars(record) {
  const found = {};
  for (const of of record.parts ?? []) {
    if (!record.phases[of.phase].measured) continue;
    const key = `${of.arm} ${of.request}`;
    found[key] ??= new Set();
    PARTS.filter((part) => of.parts[part] !== undefined).forEach((part) => found[key].add(part));
  }
  return Object.values(found).filter((parts) => parts.size > 0);
}

// Rows of cold against warm: all, each name, each phase where there are several. Each has two points for what it has.
function starts(record) {
  if (!record.cold_start && !record.aws?.figures?.join) return 0;
  const measured = (record.parts ?? []).filter((of) => record.phases[of.phase].measured && !isBase(of));
  const points = (of) => 2 * ["cold", "warm"].filter((kind) => of.some((one) => one.parts[kind] !== undefined)).length;
  if (!measured.some((of) => of.parts.cold !== undefined)) return 0;
  const phases = record.phases.map((phase, index) => index).filter((index) => record.phases[index].measured && !record.phases[index].idle);
  const rows = [measured, ...record.requests.map((_, index) => measured.filter((of) => of.request === index))];
  if (phases.length > 1) rows.push(...phases.map((index) => measured.filter((of) => of.phase === index)));
  return sum(rows.map(points));
}

// CloudWatch's series: a plot for each metric of a resource that was above zero, each minute with four corners.
function minutes(record) {
  const plots = {};
  for (const { resource, metric, points } of record.aws?.figures?.series ?? []) {
    const inside = points.filter(([start]) => start + 60 > 0 && start < record.run.duration_s);
    const plot = (plots[`${resource} ${metric}`] ??= { points: 0, most: 0 });
    plot.points += 4 * inside.length;
    plot.most = Math.max(plot.most, ...inside.map(([, value]) => value));
  }
  return Object.values(plots).filter((plot) => plot.most > 0).map((plot) => plot.points);
}

// What the record and the baseline that it was compared with say that there must be: points of each plot, and plots.
function expected(record, baseline) {
  const points = {};
  const told = moments(record);
  if (record.timeline?.length > 0) {
    for (const plot of ["users", "rate", "errors"]) points[plot] = told.length;
    points.latency = sum(told.map((moment) => (moment.arm === undefined ? 0 : moment.quantiles.length)));
    const loaded = told.filter((moment) => moment.arm === "target" && moment.quantiles.includes("p95_ms"));
    const load = loaded.filter((moment) => moment.phase !== undefined && !record.phases[moment.phase].idle).length;
    points.concurrency = load > 1 ? load : undefined;
  }
  minutes(record).forEach((count, index) => { points[`cloudwatch-${index}`] = count; });
  const drawn = bars(record);
  points.parts = drawn.length > 0 ? sum(drawn.map((parts) => parts.size)) : undefined;
  points.starts = starts(record) || undefined;
  const sent = record.slices.some((slice) => record.phases[slice.phase].measured && slice.cells.length > 0);
  const sides = record.base || baseline?.jobs.length > 0 ? 2 : 1;
  const names = record.requests.filter((_, index) => record.slices.some((slice) => slice.cells.some((cell) => cell.request === index)));
  for (const own of sent ? ["all", ...(names.length > 1 ? names.map((_, index) => index) : [])] : []) {
    points[`distribution-${own}`] = sides * CURVE;
    points[`change-${own}`] = sides === 2 ? CURVE : undefined;
  }
  return points;
}

// How many points what decided must have: a job of the baseline each and the run, or the pairs of a duet, of which those
// in which the generator was late may be missing.
function decided(record, baseline) {
  if (!record.base) return baseline?.jobs.length > 0 ? [baseline.jobs.length + 1, baseline.jobs.length + 1] : undefined;
  const paired = record.slices.filter((slice) => slice.pair !== undefined);
  const late = new Set(paired.filter((slice) => slice.late_p99_s > NEVER_LATE_S).map((slice) => slice.pair));
  const all = new Set(paired.map((slice) => slice.pair)).size;
  return [all - late.size, all];
}

const inPage = {
  // The points of each plot, as the browser holds them.
  points: () => Object.fromEntries([...document.querySelectorAll("figure.plot")].map((plot) => {
    const count = [...plot.querySelectorAll(".frame g.series")].map((series) => {
      const lines = [...series.querySelectorAll("polyline")].reduce((sum, line) => sum + line.points.numberOfItems, 0);
      const marks = [...series.querySelectorAll("path")].reduce((sum, path) => sum + path.getAttribute("d").split("M").length - 1, 0);
      const own = Math.max(lines, marks);
      // A limit and what was judged are points on a curve.
      return /\b(limit|judged)\b/.test(series.getAttribute("class")) ? 0 : own;
    });
    const parts = plot.querySelectorAll(".frame g.bar rect").length;
    return [plot.id, count.reduce((sum, n) => sum + n, parts)];
  })),
  openAll: () => document.querySelectorAll("details").forEach((fold) => { fold.open = true; }),
  // Text that leaves its drawing, or lies upon other text of it.
  cut: () => {
    const found = [];
    for (const svg of document.querySelectorAll(".frame > svg")) {
      const box = svg.getBoundingClientRect();
      const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent && text.getClientRects().length > 0);
      const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
      boxes.forEach(([words, own], index) => {
        if (own.left < box.left - 1 || own.right > box.right + 1 || own.top < box.top - 1 || own.bottom > box.bottom + 1) {
          found.push(`${svg.closest("figure").id}: "${words}" is cut`);
        }
        for (const [other, its] of boxes.slice(index + 1)) {
          const wide = Math.min(own.right, its.right) - Math.max(own.left, its.left);
          const high = Math.min(own.bottom, its.bottom) - Math.max(own.top, its.top);
          if (wide > 1 && high > 4) found.push(`${svg.closest("figure").id}: "${words}" lies upon "${other}"`);
        }
      });
    }
    return found;
  },
  // Every head of every table that can be sorted, clicked twice.
  sort: () => {
    const found = [];
    let tables = 0;
    for (const table of document.querySelectorAll("table[data-sort]")) {
      tables += 1;
      [...table.tHead.rows[0].cells].forEach((head, column) => {
        for (const way of ["ascending", "descending"]) {
          head.querySelector("button").click();
          const cells = [...table.tBodies[0].rows].map((row) => row.cells[column]);
          const keys = cells.map((cell) => (cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v)));
          const known = keys.filter((key) => !Number.isNaN(key));
          const after = keys.slice(known.length).every(Number.isNaN);
          const sign = way === "ascending" ? 1 : -1;
          const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
          const sorted = known.every((key, index) => index === 0 || sign * compare(known[index - 1], key) <= 0);
          if (head.getAttribute("aria-sort") !== way || !sorted || !after) found.push(`${head.textContent} ${way}: ${keys}`);
        }
      });
    }
    return { tables, found };
  },
  // Everything that can be done something with.
  reachable: () => [...document.querySelectorAll("a[href], button, summary, [tabindex='0']")].filter((e) => e.checkVisibility()).length,
  mark: () => {
    const active = document.activeElement;
    if (!active || active === document.body || active.dataset.reached) return false;
    active.dataset.reached = "yes";
    return true;
  },
};

async function keyboard(page, claim) {
  const all = await page.evaluate(inPage.reachable);
  await page.evaluate(() => { document.activeElement?.blur(); scrollTo(0, 0); });
  let reached = 0;
  for (let step = 0; step < all + 5; step += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(inPage.mark)) reached += 1;
  }
  claim(reached === all, `the keyboard reaches ${reached} of ${all}`);
}

async function probe(page, points, claim) {
  const slider = await page.$(".probe");
  claim(slider !== null || Object.keys(points).length === 0, "no plot tells its values");
  if (slider === null) return;
  await slider.focus();
  const told = [];
  for (const key of ["Home", "End"]) {
    await page.keyboard.press(key);
    told.push(await slider.evaluate((own) => own.getAttribute("aria-valuetext")));
  }
  const several = await slider.evaluate((own) => Number(own.getAttribute("aria-valuemax")) > 1);
  claim(told.every((text) => text?.length > 0) && (!several || told[0] !== told[1]), `the values do not follow the keys: ${told}`);
  const button = await page.$(".legend button");
  if (button === null) return;
  const hidden = () => page.$$eval(".frame .series.off", (all) => all.length);
  await button.focus();
  await page.keyboard.press("Enter");
  claim((await hidden()) > 0, "a series does not go");
  await page.keyboard.press("Enter");
  claim((await hidden()) === 0, "a series does not come back");
}

async function parts(page, width, name) {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let top = 0, part = 1; top < height; top += HIGHEST, part += 1) {
    const clip = { x: 0, y: top, width, height: Math.min(HIGHEST, height - top) };
    await page.screenshot({ path: join(shots, `${name}-part-${part}.png`), clip, captureBeyondViewport: true });
  }
}

async function look(browser, own) {
  const claim = claims(own);
  const file = join(folder, own, "report.html");
  const read = (name) => JSON.parse(readFileSync(join(folder, own, name), "utf8"));
  const record = read("result.json");
  const baseline = existsSync(join(folder, own, "baseline.json")) ? read("baseline.json") : undefined;
  const page = await browser.newPage();
  page.on("console", (message) => claim(false, `console: ${message.text()}`));
  page.on("pageerror", (error) => claim(false, `error: ${error.message}`));
  page.on("dialog", (dialog) => { claim(false, `a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    const url = request.url();
    claim(url === pathToFileURL(file).href || url.startsWith("data:"), `asks for ${url.slice(0, 99)}`);
  });
  const open = async (width, scheme) => {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.setViewport({ width, height: width > 600 ? 800 : 844 });
    await page.goto(pathToFileURL(file).href);
  };
  for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]]) {
    await open(width, scheme);
    if (shots) await page.screenshot({ path: join(shots, `${own}-${width}-${scheme}.png`) });
    await page.evaluate(inPage.openAll);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    claim(wide <= width, `is ${wide} wide at ${width}`);
    if (scheme === "light") for (const cut of await page.evaluate(inPage.cut)) claim(false, `at ${width}: ${cut}`);
    if (shots) await parts(page, width, `${own}-${width}-${scheme}`);
    if ((width === 1280) === (scheme === "light")) {
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
      for (const { id, help, nodes } of violations) claim(false, `axe at ${width} ${scheme}: ${id}: ${help}: ${nodes[0].html.slice(0, 200)} (${nodes.length})`);
    }
  }
  await open(1280, "light");
  const points = await page.evaluate(inPage.points);
  const wanted = expected(record, baseline);
  for (const [plot, count] of Object.entries(wanted)) claim(points[plot] === count, `${plot} has ${points[plot]} points of ${count}`);
  const [least, most] = decided(record, baseline) ?? [];
  const decisions = Object.keys(points).filter((plot) => plot.startsWith("decision"));
  for (const plot of decisions) claim(points[plot] >= least && points[plot] <= most, `${plot} has ${points[plot]} points of ${least} to ${most}`);
  // The one that stands above, and at least one of those that are folded away.
  claim(least === undefined ? decisions.length === 0 : decisions.length >= 2, `has ${decisions.length} plots of what decided`);
  for (const plot of Object.keys(points)) claim(plot in wanted || decisions.includes(plot), `has a plot ${plot} that nothing asks for`);
  await page.evaluate(inPage.openAll);
  await probe(page, points, claim);
  await keyboard(page, claim);
  const { tables, found } = await page.evaluate(inPage.sort);
  found.forEach((table) => claim(false, `not sorted: ${table}`));
  const sent = (record.slices ?? []).some((slice) => slice.cells.length > 0);
  claim(tables >= (sent ? 2 : 0), `has ${tables} tables`);
  if (shots) await page.pdf({ path: join(shots, `${own}-print.pdf`), format: "A4" });
  // The script is optional.
  await page.setJavaScriptEnabled(false);
  await open(1280, "light");
  const words = await page.$eval("main", (main) => main.innerText);
  claim(words.includes("Why"), "says nothing without its script");
  await page.close();
  return { points };
}

if (shots) mkdirSync(shots, { recursive: true });
const pages = readdirSync(folder).filter((own) => existsSync(join(folder, own, "report.html")));
const all = {};
// Each in a browser of its own: a page that is not in front gets no focus.
const waiting = [...pages];
const one = async () => {
  const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  while (waiting.length > 0) {
    const own = waiting.shift();
    all[own] = (await look(browser, own)).points;
  }
  await browser.close();
};
await Promise.all([one(), one()]);
// Every kind of plot was on some page, or nothing was looked at.
for (const plot of ["latency", "rate", "users", "errors", "distribution-all", "change-all", "concurrency", "parts", "starts", "decision", "cloudwatch-0"]) {
  if (!Object.values(all).some((points) => plot in points)) wrong.push(`all: no page has ${plot}`);
}
console.log(`${pages.length} pages, ${wrong.length} wrong`);
wrong.forEach((what) => console.log(what));
process.exitCode = wrong.length > 0 ? 1 : 0;
