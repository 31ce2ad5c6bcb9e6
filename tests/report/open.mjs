// What a person does with `delfin open`: node open.mjs ADDRESS first|again PICTURES FOLDER. The folder is the one
// that tests/open.rs makes; `again` is the next program on it. Ends with 1 and a message on the first fault.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, readFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { open } from "./browser.mjs";

const [address, part, pictures, folder] = process.argv.slice(2);
const { browser, page, faults } = await open(address, { acceptDownloads: true });
const tile = (name) => page.locator(`main .tile[title^="${name}"]`);
const clusterOf = (name) => tile(name).evaluate((one) => one.closest("section").id);
const shown = async (text) => page.waitForFunction((wanted) => document.getElementById("corrections").textContent === wanted, text);
const undo = () => page.click("#undo");
// The browser notes an answer that refuses; nothing else may be noted.
const refused = async () => {
  for (let wait = 0; wait < 20 && !faults.length; wait += 1) await page.waitForTimeout(100);
  assert.match(faults.pop() ?? "nothing was refused", /422/);
};
const ODD = "odd <img src=x onerror=alert(1)> & 'q'.jpg";

if (part === "again") {
  // What the killed program was told is there.
  await shown("with 2 corrections");
  assert.equal(await clusterOf("coffee_0.png"), await clusterOf("odd"));
  assert.equal(await page.locator("main h2", { hasText: "Cups <b>" }).count(), 1);
  await undo();
  await shown("with 1 correction");
  await undo();
  await shown("path and cluster, as CSV");
  assert.equal(await clusterOf("odd"), "single");
  await page.click("#redo");
  await shown("with 1 correction");
  assert.equal(await clusterOf("coffee_0.png"), await clusterOf("odd"));
  await undo();
  await shown("path and cluster, as CSV");
  // A photo that comes is seen, and sorted.
  await copyFile(join(folder, "graffiti_1_0.png"), join(folder, "new.png"));
  await page.locator(".changed", { hasText: "1 new photo" }).waitFor({ timeout: 30000 });
  await page.click(".changed");
  await page.waitForFunction(() => document.title !== "" && document.querySelectorAll("main .tile").length === 13);
  assert.equal(await clusterOf("new.png"), await clusterOf("graffiti_1_0.png"));
  await browser.close();
  assert.deepEqual(faults, []);
  process.exit(0);
}

assert.equal(await page.locator("main .tile").count(), 12);
assert.equal(await clusterOf("coffee_0.png"), await clusterOf("coffee_3.png"));
assert.notEqual(await clusterOf("coffee_0.png"), await clusterOf("graffiti_1_0.png"));
assert.equal(await clusterOf("odd"), "single");
await page.screenshot({ path: join(pictures, "light.png") });

// A pair is not the same: what hung on it goes; undone by the keys, and done again.
await tile("coffee_0.png").click();
await tile("coffee_3.png").click();
await page.waitForSelector("#dock canvas");
await page.screenshot({ path: join(pictures, "pair.png") });
await page.keyboard.press("n");
await shown("with 1 correction");
assert.notEqual(await clusterOf("coffee_0.png"), await clusterOf("coffee_3.png"));
await page.keyboard.press("Escape");
await page.keyboard.press("Control+z");
await shown("path and cluster, as CSV");
assert.equal(await clusterOf("coffee_0.png"), await clusterOf("coffee_3.png"));
await page.keyboard.press("Control+Shift+z");
await shown("with 1 correction");
await undo();
await shown("path and cluster, as CSV");

// A photo is dragged onto a cluster, and onto the row of those by themselves.
const row = async (name) => page.locator(`#${await clusterOf(name)}`);
await tile("odd").dragTo(await row("graffiti_1_0.png"));
await shown("with 1 correction");
assert.equal(await clusterOf("odd"), await clusterOf("graffiti_1_0.png"));
await page.keyboard.press("Escape");
await undo();
await shown("path and cluster, as CSV");

// The slider goes on from the corrections.
await page.evaluate(() => { const s = document.getElementById("cut"); s.value = 0; s.dispatchEvent(new Event("input")); });
await page.waitForFunction(() => !document.getElementById("cut-reset").hidden);
await page.click("#cut-reset");

// Questions by keys alone, until nothing is left that is doubtful; a question that is skipped does not come again.
await page.getByRole("button", { name: "Ask me" }).focus();
await page.keyboard.press("Enter");
await page.waitForSelector("#dock .answers");
assert.match(await page.textContent("#dock .answers"), /Same thing.*Not the same.*Skip.*expected to change/s);
await page.screenshot({ path: join(pictures, "question.png") });
assert.match(await page.textContent("#dock .names"), /covered/);
await page.keyboard.press("n");
await shown("with 1 correction");
const isOver = () => page.locator(".toast", { hasText: "left to ask" }).isVisible();
for (let count = 0; count < 12 && !await isOver(); count += 1) {
  await page.keyboard.press("s");
  await page.waitForTimeout(300);
}
assert.ok(await isOver());
assert.equal(await page.locator("#dock").isVisible(), false);
await undo();
await shown("path and cluster, as CSV");

// A cluster of its own again, whole clusters merged by hand, a name that is no markup.
await tile("odd").click();
await page.locator(`#${await clusterOf("coffee_0.png")} .here`).click();
await shown("with 1 correction");
await page.keyboard.press("Escape");
await page.locator(`#${await clusterOf("coffee_0.png")} .quiet`, { hasText: "Name" }).click();
await page.keyboard.type("Cups <b>");
await page.keyboard.press("Enter");
await shown("with 2 corrections");
assert.equal(await page.locator("main h2", { hasText: "Cups <b>" }).count(), 1);
assert.equal(await page.locator("main b").count(), 0);

// Put away, with a preview; then taken back. The photos stay.
await page.getByRole("button", { name: "Put away …" }).click();
await page.getByRole("button", { name: "Preview" }).click();
await page.waitForSelector(".plan td");
// A name that no folder can have is told.
assert.match(await page.textContent(".plan"), /cannot name a folder/);
await page.screenshot({ path: join(pictures, "away.png") });
await page.getByRole("button", { name: "Put away", exact: true }).click();
await page.waitForFunction(() => /placed in/.test(document.querySelector(".plan").textContent));
const label = (await readdir(join(folder, "sorted"))).filter((name) => !name.startsWith("."));
assert.equal(label.length, 3, String(label));
const placed = await Promise.all(label.map((name) => readdir(join(folder, "sorted", name))));
assert.equal(placed.flat().length, 7, String(placed));
assert.equal((await stat(join(folder, "graffiti_1_0.png"))).isFile(), true);
await page.getByRole("button", { name: "Take back the last" }).click();
await page.waitForFunction(() => /7 places taken back/.test(document.querySelector(".plan").textContent));
assert.equal(existsSync(join(folder, "sorted", label[0])), false);
assert.equal(existsSync(join(folder, ODD)), true);

// The best of each cluster is kept, the others are moved away and come back.
const files = async () => (await readdir(folder)).filter((name) => /\.(png|jpg)$/.test(name)).sort();
const all = await files();
await page.getByRole("button", { name: "Close" }).click();
await page.keyboard.press("Escape");
await tile("graffiti_1_2.png").click();
await page.keyboard.press("b");
await shown("with 3 corrections");
await tile("graffiti_1_2.png").locator(".mark.best").waitFor();
await page.keyboard.press("Escape");
await page.getByRole("button", { name: "Put away …" }).click();
await page.selectOption("#away-which", "others");
assert.deepEqual([await page.inputValue("#away-to"), await page.inputValue("#away-method")], ["others", "move"]);
await page.getByRole("button", { name: "Preview" }).click();
await page.waitForSelector(".plan .kept");
assert.match(await page.textContent(".plan"), /graffiti_1_2\.png\d+ × \d+stays: marked as the best/);
const moves = await page.$$eval(".plan tr:not(.kept):not(.fault)", (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
assert.ok(moves.length > 1);
for (const [k, [, size, target]] of moves.slice(1).entries()) {
  const [, before, last] = moves[k];
  const [folder, previous] = [target, last].map((path) => path.slice(0, path.lastIndexOf("/")));
  const pixels = (text) => text.split(" × ").reduce((a, b) => a * b);
  assert.ok(previous < folder || (previous === folder && pixels(before) >= pixels(size)), String(moves));
}
await page.screenshot({ path: join(pictures, "others.png") });
await page.getByRole("button", { name: "Put away", exact: true }).click();
await page.waitForFunction(() => /moved in/.test(document.querySelector(".plan").textContent));
const left = await files();
assert.ok(left.includes("graffiti_1_2.png") && !left.includes("graffiti_1_0.png"), String(left));
await page.getByRole("button", { name: "Take back the last" }).click();
await page.waitForFunction(() => /taken back/.test(document.querySelector(".plan").textContent));
assert.deepEqual(await files(), all);

await page.fill("#away-to", "");
await page.getByRole("button", { name: "Preview" }).click();
await page.waitForSelector(".plan .fault");
await refused();
await page.getByRole("button", { name: "Close" }).click();


// Labels as JSON.
const [download] = await Promise.all([page.waitForEvent("download"), page.click("#export-json")]);
const rows = JSON.parse(await readFile(await download.path(), "utf8"));
assert.equal(rows.length, 12);
assert.equal(rows.find(({ path }) => path === "coffee_0.png").cluster, "Cups <b>");
assert.equal(rows.filter(({ representative }) => representative).length, new Set(rows.map(({ cluster }) => cluster)).size);

// A photo from elsewhere is searched by: dropped, and chosen.
const drop = async (name, path) => {
  const bytes = [...await readFile(path)];
  const transfer = await page.evaluateHandle(([name, bytes]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name));
    return transfer;
  }, [name, bytes]);
  await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
};
await drop("elsewhere ?#.png", join(folder, "coffee_1.png"));
await page.waitForSelector("[data-hit]");
assert.match(await page.textContent("#dock"), /elsewhere \?#\.png.*photos show what it shows/s);
assert.match(await page.locator("[data-hit]").first().getAttribute("aria-label"), /coffee_1\.png, .*edited copy/);
await page.screenshot({ path: join(pictures, "search.png") });
await page.locator("[data-hit]").first().click();
assert.equal(await page.textContent("#dock-title"), "coffee_1.png");
await page.keyboard.press("Escape");
await page.setInputFiles("input[type=file]", { name: "notes.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
await page.locator(".toast", { hasText: "notes.png: " }).waitFor();
await refused();

// A classifier from names: one class is not enough, two are; its page has both scores' labels.
const train = async () => {
  await page.getByRole("button", { name: "Train" }).click();
  await page.waitForFunction(() => !document.querySelector("dialog[open] .primary").disabled, null, { timeout: 60000 });
  return page.textContent("dialog[open] .plan");
};
await page.getByRole("button", { name: "Learn labels …" }).click();
assert.match(await train(), /two classes or more.*1 name/s);
await refused();
await page.getByRole("button", { name: "Close" }).click();
await page.locator(`#${await clusterOf("graffiti_1_0.png")} .quiet`, { hasText: "Name" }).click();
await page.keyboard.type("Walls");
await page.keyboard.press("Enter");
await shown("with 4 corrections");
await page.getByRole("button", { name: "Learn labels …" }).click();
assert.match(await train(), /to check/);
const [labels] = await Promise.all([page.context().waitForEvent("page"), page.locator("dialog[open] a").click()]);
await labels.waitForSelector(".card");
assert.match(await labels.textContent("body"), /2 classes.*Photos without a label.*softmax: (Cups <b>|Walls)/s);
await labels.screenshot({ path: join(pictures, "labels.png") });
await labels.close();
await page.getByRole("button", { name: "Close" }).click();
await page.getByRole("link", { name: "Labels" }).waitFor();

// As many corrections as the killed program is to leave.
await undo();
await shown("with 3 corrections");
await undo();
await shown("with 2 corrections");

await page.emulateMedia({ colorScheme: "dark" });
await page.screenshot({ path: join(pictures, "dark.png") });
await page.setViewportSize({ width: 400, height: 800 });
const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
assert.ok(overflow <= 0, `${overflow} px too wide`);
await page.screenshot({ path: join(pictures, "phone.png") });
await browser.close();
for (const name of ["sorted", "others"]) await rm(join(folder, name), { recursive: true, force: true });
assert.deepEqual(faults, []);
