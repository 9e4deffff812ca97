// Opens report.html of other folders: nothing requested, nothing complained of, nothing that keeps people out, and what
// the explorer says of a path is what its files say.
//
//   node pages.mjs SCREENSHOTS FOLDER…
//
// SCREENSHOTS may be empty.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [screenshots, ...folders] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const still = { name: "prefers-reduced-motion", value: "reduce" };
let passed = 0;

try {
  for (const folder of folders) {
    const name = path.basename(folder), file = path.resolve(folder, "report.html"), address = pathToFileURL(file).href;
    assert.ok(readFileSync(file).length < 6_000_000, `${name}: the page is too large`);
    const page = await browser.newPage();
    const requests = [], complaints = [];
    page.on("request", request => { if (request.url().split("#")[0] !== address && !request.url().startsWith("data:")) requests.push(request.url()); });
    page.on("console", message => { if (["error", "warn", "warning"].includes(message.type())) complaints.push(message.text()); });
    page.on("pageerror", error => complaints.push(String(error)));
    await page.setViewport({ width: 1280, height: 900 });
    await page.emulateMediaFeatures([still]);
    await page.goto(address, { waitUntil: "load" });
    const text = selector => page.$eval(selector, node => node.textContent.trim().replace(/\s+/g, " "));
    const look = async form => { if (screenshots) await page.screenshot({ path: path.join(screenshots, `${name}-${form}.png`), fullPage: true }); };

    for (const chart of await page.$$("figure[data-chart]")) {
      assert.ok(await chart.$eval(".plot > svg", node => node.childNodes.length > 3), `${name}: ${await chart.evaluate(node => node.dataset.chart)}`);
      const words = await chart.$$eval("svg text", nodes => nodes.map(node => node.textContent).join(" "));
      assert.ok(!/NaN|Infinity|undefined|\de[+-]?\d/.test(words), `${name}: ${words}`);
    }

    // Each path in full, at its beginning, middle and end, against its files.
    const traced = readdirSync(path.join(folder, "trace")).map(Number).sort((a, b) => a - b);
    for (const number of traced) {
      await page.select("#path", String(number));
      const frames = JSON.parse(readFileSync(path.join(folder, "trace", String(number), "frames.json"), "utf8"));
      const stories = readFileSync(path.join(folder, "trace", String(number), "stories.jsonl"), "utf8").trim().split("\n").map(line => JSON.parse(line));
      const last = frames.time_s.length - 1;
      for (const frame of [0, last >> 1, last]) {
        await page.$eval("#time", (node, frame) => { node.value = String(frame); node.dispatchEvent(new Event("input", { bubbles: true })); }, frame);
        const queue = await page.$$eval("#queue tbody tr", rows => rows.map(row => [...row.cells].map(cell => cell.textContent)));
        assert.equal(queue.length, frames.queue[frame].length, `${name}, path ${number}: queue at frame ${frame}`);
        queue.forEach(([, side, quantity], i) => assert.ok(side === (frames.queue[frame][i][1] > 0 ? "long" : "short") && /^[\d,.]+$/.test(quantity)));
        const shown = (await text("#headline")) + (await text("#balances")) + (await text("#queue")) + (await text("#displaced")) + (await text("#depth"));
        assert.ok(!/NaN|undefined|Infinity|null/.test(shown), `${name}, path ${number}: ${shown}`);
      }
      const victim = stories.find(story => story.liquidated > 0) ?? stories.find(story => story.account !== null);
      if (victim) {
        await page.$eval("#account", (node, name) => { node.value = name; node.dispatchEvent(new Event("input", { bubbles: true })); }, victim.name);
        const lines = await page.$$eval("#story li", nodes => nodes.map(node => node.textContent.replace(/^[\d:.]+/, "")));
        assert.deepEqual(lines, victim.events.map(event => event[1]), `${name}, path ${number}`);
        await page.click("#all");
      }
    }

    for (const [scheme, width, form] of [["light", 1280, "wide"], ["dark", 390, "phone"]]) {
      await page.emulateMediaFeatures([still, { name: "prefers-color-scheme", value: scheme }]);
      await page.setViewport({ width, height: 900 });
      await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
      const told = violations.map(one => `${one.id}: ${one.help}\n${one.nodes.slice(0, 5).map(node => `  ${node.target} ${node.failureSummary}`).join("\n")}`);
      assert.equal(violations.length, 0, `${name}: ${told.join("\n")}`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(overflow <= 1, `${name}: the page is ${overflow} pixels wider than a screen of ${width}`);
      await look(`${scheme}-${form}`);
    }
    assert.deepEqual(requests, [], name);
    assert.deepEqual(complaints, [], name);
    await page.close();
    passed += 1;
    console.log(`ok ${passed} - the page of ${name}`);
  }
} finally {
  await browser.close();
}
console.log(`pages: ${passed} passed, 0 failed`);
