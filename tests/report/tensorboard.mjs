// What TensorBoard's page shows of a run: node tensorboard.mjs URL PICTURES. The run is one that
// benches/compare/check_classifier.py made; a screenshot of each tab goes to the folder PICTURES. Ends with
// 1 and a message on the first tab that does not show its data.

import assert from "node:assert/strict";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, pictures] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.DELFIN_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
});
const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });

async function tab(name, ready) {
  await page.goto(`${url}#${name}`);
  await page.reload();
  try {
    await ready();
  } finally {
    await page.waitForTimeout(3000);
    await page.screenshot({ path: join(pictures, `${name}.png`) });
  }
  console.log(`${name}: shown`);
}

const text = (words) => page.getByText(words, { exact: false }).first().waitFor({ timeout: 60000 });

await tab("timeseries", async () => {
  for (const words of ["accuracy_1", "cross_entropy_1", "confusion_matrix"]) await text(words);
});
await tab("scalars", async () => {
  for (const words of ["accuracy_1", "cross_entropy_1"]) await text(words);
});
await tab("histograms", async () => {
  await text("layer");
});
await tab("images", async () => {
  await text("confusion_matrix");
});
await tab("graphs", async () => {
  await page.locator("g.node text", { hasText: "network" }).first().waitFor({ timeout: 60000 });
});
await tab("projector", async () => {
  // The projector lives in a frame of its own.
  const deadline = Date.now() + 90000;
  let found = "";
  while (Date.now() < deadline && !/Points:\s*\d+/.test(found)) {
    await page.waitForTimeout(1000);
    for (const frame of page.frames()) {
      found += await frame.evaluate(() => {
        const gather = (node) => [...node.childNodes].map((n) => (n.nodeType === 3 ? n.data : n.shadowRoot ? gather(n.shadowRoot) + gather(n) : gather(n))).join(" ");
        return gather(document.body);
      }).catch(() => "");
    }
  }
  assert.match(found, /Points:\s*\d+/);
});
await browser.close();
