// What a reader does with a folder report: node page.mjs REPORT.html PICTURES. The report is the one that
// tests/report.rs makes; screenshots go to the folder PICTURES. Ends with 1 and a message on the first fault.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { open } from "./browser.mjs";

const [report, pictures] = process.argv.slice(2);
const ODD = "odd <img src=x onerror=alert(1)></script> & \"quoted\", 'name'.jpg";

const { browser, page, faults } = await open(report);
const tile = (name) => page.locator(`main .tile[title^=${JSON.stringify(name)}]`);
const summary = () => page.textContent("#summary");
const press = (key) => page.keyboard.press(key);
const slide = (cut) => page.locator("#cut").fill(String(cut));
const clusterOf = (name) => tile(name).evaluate((one) => one.closest("section").id);
const seen = (selector) => page.locator(selector).isVisible();

// Clusters by size, the representative first, single photos at the end.
assert.equal(await summary(), "9 photos · 3 clusters · 2 on their own · 2 not readable");
const first = page.locator("main section").first();
assert.equal(await first.locator("h2").textContent(), "Cluster 0");
assert.equal(await first.locator(".tile .name").first().textContent(), "graffiti_3.jpg");
assert.equal(await first.locator(".tile.uncertain").count(), 1);
assert.equal(await page.locator("main section").last().getAttribute("id"), "single");
assert.equal(await page.locator("#failures td").count(), 2);
assert.match(await page.textContent("#failures"), /not a photo <b>at all<\/b>/);

// Thumbnails come in, and an odd name is text.
await page.waitForFunction(() => [...document.querySelectorAll("main img")].filter((i) => i.naturalWidth > 0).length === 9);
assert.equal(await tile(ODD).count(), 1);
assert.equal(await tile(ODD).locator(".name").textContent(), ODD.slice(ODD.lastIndexOf("/") + 1));

// The slider forms the clusters of its cut again.
await slide(0);
await page.waitForFunction(() => document.getElementById("summary").textContent.includes("1 cluster "));
assert.match(await page.textContent("#cut-text"), /99\.990 %/);
await slide(2);
await page.waitForFunction(() => document.getElementById("summary").textContent.includes("2 clusters"));
await page.click("#cut-reset");
assert.equal(await summary(), "9 photos · 3 clusters · 2 on their own · 2 not readable");

// One photo shows its verified pairs, two their picture with inliers and numbers.
await tile("graffiti_1.jpg").click();
assert.equal(await page.textContent("#dock-title"), "graffiti_1.jpg");
await page.waitForFunction(() => document.querySelectorAll(".neighbor").length === 2);
await tile("graffiti_3.jpg").click();
// What the dock shows may be read from parts first.
const docks = (pattern) => page.waitForFunction(([source, flags]) =>
  new RegExp(source, flags).test(document.getElementById("dock").textContent), [pattern.source, pattern.flags]);
await docks(/In one cluster.*Same thing.* %.*edited copy.*Inliers63 of 80 matches.*Pixels agree75 %/s);
const bright = () => page.evaluate(() => {
  const canvas = document.querySelector("#dock canvas");
  // On a page opened from a file a canvas with a photo cannot be read, which is a photo drawn.
  try { canvas.getContext("2d").getImageData(0, 0, 1, 1); return "thumbnail"; } catch { return "photo"; }
});
await page.waitForFunction(() => document.querySelector("#dock canvas").width > 300);
await page.waitForTimeout(500);
assert.equal(await bright(), "photo", "the original is not drawn");
await page.screenshot({ path: join(pictures, "light.png") });
await page.emulateMedia({ colorScheme: "dark" });
await page.screenshot({ path: join(pictures, "dark.png") });
await page.emulateMedia({ colorScheme: "light" });

// Photo 1 of the pair, which is graffiti 3, lies on its photo 2 where the transform puts it, with marks.
const overlay = page.locator("#dock .overlay");
assert.equal(await overlay.getAttribute("aria-label"),
  "graffiti_3.jpg laid onto graffiti_1.jpg, 42 places alike, 21 places different");
const laid = await overlay.evaluate(async (panel) => {
  const [below, above] = panel.querySelectorAll("img");
  // The transform moves every inlier of photo 1 to its place in photo 2.
  const [frame, matrix] = [panel.getBoundingClientRect(), new DOMMatrix(getComputedStyle(above).transform)];
  const { inliers } = await drawingOf(await pairOf(2, 4));
  const errors = inliers.map(([x1, y1, x2, y2]) => {
    const at = matrix.transformPoint(new DOMPoint(x1 * frame.width, y1 * frame.height));
    return Math.hypot(at.x / at.w - x2 * frame.width, at.y / at.w - y2 * frame.height);
  });
  return { names: [below, above].map((image) => decodeURI(image.src).split("/").at(-1)), most: Math.max(...errors), count: errors.length };
});
assert.deepEqual(laid.names, ["graffiti_1.jpg", "graffiti_3.jpg"]);
assert.ok(laid.count > 30 && laid.most < 0.5, JSON.stringify(laid));
assert.match(await page.textContent("#dock .laying"), /42 alike.*21 different/s);

// Lines begin in the photo that was chosen first, whichever the pair names first.
const ends = await page.evaluate(async () => {
  const pair = await pairOf(2, 4);
  const { inliers } = await drawingOf(pair);
  const place = (photo) => {
    const [x, y] = inliersFrom(photo, pair, inliers)[0];
    return [x * photos.width[photo] - 0.5, y * photos.height[photo] - 0.5];
  };
  return [place(2), place(4)];
});
assert.deepEqual(ends[0].map(Math.round), [60, 60]);
assert.notDeepEqual(ends[1].map(Math.round), [60, 60]);

// Escape clears; a pair that was not verified says so; three photos are no pair.
await press("Escape");
assert.equal(await seen("#dock"), false);
await tile("graffiti_1.jpg").click();
await tile("coffee.jpg").click();
await docks(/In different clusters.*not verified/s);
await tile("box.jpg").click();
assert.match(await page.textContent("#dock-title"), /3 photos selected/);
await page.click("#clear");

// A cluster's weakest link is one click away.
await first.locator(".weakest").click();
assert.equal(await page.locator('main .tile[aria-pressed="true"]').count(), 2);
await docks(/other view/);
await press("Escape");

// Search shows the rows with a hit; "/" goes to it.
await press("/");
await page.keyboard.type("STREET");
assert.equal(await page.textContent("#found"), "2 photos in 1 row");
assert.equal(await page.locator("main section:visible").count(), 1);
await page.screenshot({ path: join(pictures, "search.png") });
await page.fill("#search", "nothing like it");
assert.equal(await page.textContent("#found"), "0 photos in 0 rows");
await page.fill("#search", "");

// Everything is reached by keys alone.
await page.locator("main .tile").first().focus();
await press("ArrowRight");
await press("Enter");
assert.equal(await page.textContent("#dock-title"), "graffiti_1.jpg");
await press("Escape");

// Corrections: to another cluster, to one of its own, back again; they stay when the slider moves.
const downloaded = async () => {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#export")]);
  assert.equal(download.suggestedFilename(), "clusters_corrected.csv");
  return readFile(await download.path(), "utf8");
};
const before = await downloaded();
await tile("coffee.jpg").click();
await page.locator("#cluster-1 .here").click();
assert.equal(await clusterOf("coffee.jpg"), await clusterOf("box.jpg"));
await press("Escape");
await tile("street_a.jpg").click();
await page.click("#alone");
assert.equal(await clusterOf("street_a.jpg"), "single");
await press("Escape");
await slide(2);
await page.waitForFunction(() => document.getElementById("cut-text").textContent.includes("50 %"));
assert.equal(await clusterOf("coffee.jpg"), await clusterOf("box.jpg"));
await page.click("#cut-reset");
assert.equal(await page.textContent("#corrections"), "with 2 corrections");
const rows = (csv) => csv.trimEnd().split("\n");
const after = await downloaded();
assert.equal(rows(after)[0], "path,cluster");
assert.equal(rows(after).length, 10);
const quoted = `"${ODD.replaceAll('"', '""')}"`;
assert.ok(after.includes(`${quoted},`), after);
const label = (csv, name) => rows(csv).find((row) => row.startsWith(`${name},`))?.split(",").at(-1);
assert.equal(label(after, "coffee.jpg"), label(after, "box.jpg"));
assert.notEqual(label(after, "street_a.jpg"), label(after, "street_b.jpg"));

// They are there again when the page is opened again, and gone when undone.
await page.reload();
await page.waitForSelector("body.ready");
assert.equal(await downloaded(), after);
await page.click("#undo");
await page.click("#undo");
assert.equal(await downloaded(), before);

// A narrow window scrolls one way only.
await page.setViewportSize({ width: 400, height: 800 });
await tile("graffiti_1.jpg").click();
await tile("graffiti_3.jpg").click();
const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
assert.ok(overflow <= 0, `${overflow} px too wide`);
await page.screenshot({ path: join(pictures, "narrow.png") });

await browser.close();
assert.deepEqual(faults, []);
