// How fast a folder report opens and answers: node measure.mjs REPORT.html [RUNS]. Times in milliseconds from
// the start of navigation, medians over fresh browsers.

import { open } from "./browser.mjs";

const [report, runs = "5"] = process.argv.slice(2);
const results = [];
for (let run = 0; run < Number(runs); run += 1) {
  const { browser, page, faults } = await open(report);
  const first = await page.waitForFunction(() => document.querySelector("main img")?.naturalWidth > 0 && performance.now());
  const thumbnail = await first.jsonValue();
  await page.waitForFunction(() => document.readyState === "complete");
  const found = await page.evaluate(async (thumbnail) => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN;
    const [navigation] = performance.getEntriesByType("navigation");
    const timed = async (act) => {
      const start = performance.now();
      act();
      await frame();
      return performance.now() - start;
    };
    const slider = document.getElementById("cut");
    const search = document.getElementById("search");
    const [formed] = performance.getEntriesByName("clusters shown");
    const slideStart = performance.now();
    slider.value = 0;
    slider.dispatchEvent(new Event("input"));
    while (shown.cut !== data.cuts[0]) await frame();
    const slide = performance.now() - slideStart;
    await frame();
    const find = await timed(() => { search.value = "7"; search.dispatchEvent(new Event("input")); });
    search.value = "";
    search.dispatchEvent(new Event("input"));
    await frame();
    await frame();
    const tiles = document.querySelectorAll("main .tile");
    const select = await timed(() => { tiles[0].click(); tiles[1].click(); });
    return { "first paint": paint, "clusters": formed.startTime, "first thumbnail": thumbnail, "all read": navigation.loadEventEnd, slider: slide,
      search: find, "two photos": select };
  }, thumbnail);
  results.push(found);
  if (faults.length) console.log(faults);
  await browser.close();
}
for (const name of Object.keys(results[0])) {
  const values = results.map((found) => found[name]).sort((a, b) => a - b);
  console.log(`${name.padEnd(15)} ${Math.round(values[values.length >> 1])}  (${values.map(Math.round).join(", ")})`);
}
