// A page of its own in headless Chromium that notes what a page must never do.

import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";

// `target` is a file, or an address that alone is asked for anything.
export async function open(target, options = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.DELFIN_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const isOwn = target.startsWith("http:") ? request.url().startsWith(target) : request.url().startsWith("file:");
    if (!isOwn && !/^(data|blob):/.test(request.url())) faults.push(`request: ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(target.startsWith("http:") ? target : pathToFileURL(target).href);
  await page.waitForSelector("body.ready");
  return { browser, page, faults };
}
