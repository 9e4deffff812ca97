// Drives report.html of scenarios/classroom.toml in a headless browser and compares what it shows with `trace --json`.
//
//   node report.mjs FLASHCRASH SCENARIO FOLDER [SCREENSHOTS]
//
// FOLDER is the finished output folder of the scenario. Nothing may be requested beyond the file itself, nothing may be
// complained of on the console, and axe may find no violation of WCAG 2.0 to 2.2, levels A and AA.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [program, scenario, folder, screenshots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const address = pathToFileURL(path.resolve(folder, "report.html")).href;

// ---------------------------------------------------------------------------------------- what the program says

const run = (...args) => execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 });
const events = run("trace", scenario, "--path", "0", "--json").trim().split("\n").map(line => JSON.parse(line));
const head = events.find(event => event.fact === "path");
const totals = events.find(event => event.fact === "totals");
const until = t => events.filter(event => event.time_s !== undefined && Number(event.time_s) <= t);
/** Sentences of an account as the terminal tells them. */
const story = name => run("trace", scenario, "--story", name).trim().split("\n").slice(1).filter(line => / s  /.test(line)).map(line => line.replace(/^\s*[\d.]+ s  /, ""));
const last = list => list[list.length - 1];

// ---------------------------------------------------------------------------------------- the page

let passed = 0;
const test = async (name, body) => {
  await body();
  passed += 1;
  console.log(`ok ${passed} - ${name}`);
};

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  const page = await browser.newPage();
  const requests = [], complaints = [];
  page.on("request", request => { if (request.url() !== address && !request.url().startsWith("data:")) requests.push(request.url()); });
  page.on("console", message => { if (["error", "warn", "warning"].includes(message.type())) complaints.push(message.text()); });
  page.on("pageerror", error => complaints.push(String(error)));
  await page.setViewport({ width: 1280, height: 900 });
  // Scrolling that glides would let a click hit what has moved on.
  const still = { name: "prefers-reduced-motion", value: "reduce" };
  await page.emulateMediaFeatures([still]);
  await page.goto(address, { waitUntil: "load" });

  const text = selector => page.$eval(selector, node => node.textContent.trim().replace(/\s+/g, " "));
  const texts = selector => page.$$eval(selector, nodes => nodes.map(node => node.textContent.trim().replace(/\s+/g, " ")));
  /** What the page prints as 1,234 or −48 is a number again. */
  const number = printed => Number(printed.replace(/[,\s]/g, "").replace("−", "-"));
  const slide = frame => page.$eval("#time", (node, frame) => { node.value = String(frame); node.dispatchEvent(new Event("input", { bubbles: true })); }, frame);
  const look = async name => { if (screenshots) await page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage: true }); };

  await test("the findings name what the totals of the trace say", async () => {
    const findings = (await texts(".findings li")).join(" ");
    assert.match(findings, new RegExp(`${totals.liquidated_accounts} accounts are liquidated in ${totals.liquidations} forced orders`));
    assert.match(findings, new RegExp(`from ${totals.fund_open} USD to ${totals.fund_close} USD`));
    assert.match(findings, new RegExp(`would need ${totals.fund_need} USD`));
    const first = events.find(event => event.fact === "order_opened");
    assert.match(findings, new RegExp(`first to be liquidated is ${head.accounts[first.account]},`));
  });

  await test("every chart of the folder is drawn, and read by the arrow keys", async () => {
    const charts = await page.$$("figure[data-chart]");
    assert.equal(charts.length, 11);
    for (const chart of charts) {
      const name = await chart.evaluate(node => node.dataset.chart);
      assert.ok(await chart.$eval(".plot > svg", node => node.childNodes.length > 3), name);
    }
    await page.$eval('[data-chart="fund"] .plot > svg', node => node.focus());
    await page.keyboard.press("End");
    const tip = await text('[data-chart="fund"] .tip');
    assert.match(tip, new RegExp(`6:00.*: ${totals.fund_close}\\b`), tip);
    assert.equal(await text("#live"), tip.replace(/^(\d+:\d+)/, "$1: "));
    await page.keyboard.press("+");
    await page.keyboard.press("0");
    await page.keyboard.press("Escape");
  });

  await test("the slider shows the state that the trace has at each time", async () => {
    const frames = await page.$eval("#time", node => Number(node.max));
    assert.equal(frames, 6);
    for (let frame = 0; frame <= frames; frame++) {
      await slide(frame);
      const t = 60 * frame, so_far = until(t);
      assert.equal(await text("#clock"), `${frame}:00`);
      const headline = await text("#headline");
      const priced = last(so_far.filter(event => event.fact === "priced")), marked = last(so_far.filter(event => event.fact === "marked"));
      const orders = so_far.filter(event => event.fact === "order_opened").length;
      assert.ok(headline.startsWith(`Index ${priced.index} `), headline);
      assert.ok(headline.includes(`mark ${marked.mark}.`), headline);
      assert.ok(headline.includes(`${orders} forced order${orders === 1 ? "" : "s"} so far`), headline);
      const balances = Object.fromEntries(await page.$$eval("#balances tr", rows => rows.map(row => [row.cells[0].textContent, row.cells[1].textContent])));
      const amount = name => number(balances[name].replace(" USD", ""));
      assert.equal(amount("Insurance fund"), Number(last(so_far).fund_after));
      const adl = so_far.filter(event => event.fact === "deleveraged").reduce((sum, event) => sum + Number(event.notional), 0);
      assert.equal(amount("ADL notional"), adl);
      // Lots that traders hold at this time, from the trades alone: whoever stands in the queue holds what it says.
      const held = new Map();
      for (const event of so_far) if (event.fact === "traded" && event.party.startsWith("trader:")) held.set(event.party, (held.get(event.party) ?? 0) + Number(event.qty));
      const queue = await page.$$eval("#queue tbody tr", rows => rows.map(row => [...row.cells].map(cell => cell.textContent)));
      assert.ok(queue.length > 0);
      let before = 0;
      for (const [name, side, quantity, , away] of queue) {
        const lots = held.get(`trader:${head.accounts.indexOf(name)}`);
        assert.equal(`${side} ${quantity}`, `${lots > 0 ? "long" : "short"} ${Math.abs(lots)}`, `${name} at ${t} s`);
        const distance = number(away.replace("%", ""));
        assert.ok(distance >= before, "nearest first");
        before = distance;
      }
    }
  });

  await test("the log holds the sentences of the terminal, and filters by account", async () => {
    await slide(6);
    const whole = await texts("#log li");
    for (const name of ["Anna", "Emma", "Hana", "Dan"]) {
      await page.click("#account", { clickCount: 3 });
      await page.type("#account", name);
      const sentences = story(name);
      assert.deepEqual(await texts("#story li").then(lines => lines.map(line => line.replace(/^\d+:\d+\s*/, ""))), sentences, name);
      const log = await texts("#log li");
      assert.deepEqual(log.map(line => line.replace(/^\d+:\d+\s*/, "").replace(new RegExp(`^${name} ?`), "")), sentences, name);
      assert.equal(await text("#story-name"), name);
      assert.equal(await text("#count"), sentences.length === 1 ? "1 event" : `${sentences.length} events`);
    }
    await page.click("#account", { clickCount: 3 });
    await page.type("#account", "Zoe");
    assert.match(await text("#count"), /No story of “Zoe”/);
    await page.click("#all");
    assert.deepEqual(await texts("#log li"), whole);
    await slide(1);
    const early = await texts("#log li");
    assert.ok(early.length < whole.length && early.every(line => /^[01]:/.test(line)), "only up to the slider");
    await page.click("#until");
    assert.deepEqual(await texts("#log li"), whole);
    await page.click("#until");
  });

  await test("an account chosen in the queue tells its story with the numbers of the trace", async () => {
    await slide(2);
    const button = await page.$("#queue tbody button");
    const name = await button.evaluate(node => node.textContent);
    // Scrolled into view it must not lie under the controls that stay in sight.
    await button.evaluate(node => node.scrollIntoView({ block: "start" }));
    await button.click();
    assert.equal(await text("#story-name"), name);
    await page.$$eval("#queue tbody button", (buttons, name) => buttons.find(button => button.textContent === name)?.click(), "Emma");
    assert.equal(await text("#story-name"), "Emma");
    const order = events.find(event => event.fact === "order_opened" && head.accounts[event.account] === "Emma");
    const told = (await texts("#story li")).join(" ");
    assert.ok(told.includes(`bankruptcy price ${order.bankruptcy}`) && told.includes(`mark is ${order.mark}`), told);
    assert.ok(told.includes(`${order.qty} TOY closed against winners (ADL) at ${order.bankruptcy}`), told);
    const adl = events.find(event => event.fact === "deleveraged");
    await page.click("#account", { clickCount: 3 });
    await page.type("#account", head.accounts[adl.account]);
    const winner = (await texts("#story li")).join(" ");
    assert.ok(winner.includes(`${adl.qty} TOY closed at ${adl.price}`) && winner.includes(`${Math.abs(adl.haircut)} better than the mark`), winner);
    await page.click("#all");
  });

  await test("play runs to the end and can be paused", async () => {
    await slide(0);
    await page.select("#speed", "16");
    await page.click("#play");
    assert.equal(await text("#play"), "Pause");
    await page.waitForFunction(() => Number(document.getElementById("time").value) >= 1, { timeout: 20_000 });
    await page.click("#play");
    assert.equal(await text("#play"), "Play");
    const stopped = await page.$eval("#time", node => node.value);
    await new Promise(done => setTimeout(done, 1_700));
    assert.equal(await page.$eval("#time", node => node.value), stopped);
    await page.click("#play");
    await page.waitForFunction(() => document.getElementById("play").textContent === "Play", { timeout: 30_000 });
    assert.equal(await text("#clock"), "6:00");
  });

  await test("terms explain themselves, and Escape closes them", async () => {
    const term = await page.$("[data-terms] .term");
    assert.ok(term, "a term of the glossary is marked");
    await term.evaluate(node => node.focus());
    assert.equal(await page.$eval("#gloss", node => node.hidden), false);
    await page.keyboard.press("Escape");
    assert.equal(await page.$eval("#gloss", node => node.hidden), true);
  });

  for (const scheme of ["light", "dark"]) {
    for (const [form, width] of [["wide", 1280], ["phone", 390]]) {
      await test(`nothing keeps people out: ${scheme}, ${form}`, async () => {
        await page.emulateMediaFeatures([still, { name: "prefers-color-scheme", value: scheme }]);
        await page.setViewport({ width, height: 900 });
        await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
        const told = violations.map(one => `${one.id}: ${one.help}\n${one.nodes.slice(0, 5).map(node => `  ${node.target} ${node.failureSummary}`).join("\n")}`);
        assert.equal(violations.length, 0, told.join("\n"));
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(overflow <= 1, `the page is ${overflow} pixels wider than the screen`);
        await look(`${scheme}-${form}`);
      });
    }
  }

  await test("in print every chart stands whole and no control is left", async () => {
    await page.setViewport({ width: 800, height: 1100 });
    await page.emulateMediaType("print");
    const shown = await page.$$eval(".screen", nodes => nodes.filter(node => node.getClientRects().length > 0).length);
    assert.equal(shown, 0);
    await look("print");
    await page.emulateMediaType(null);
  });

  await test("no request and no complaint", async () => {
    assert.deepEqual(requests, []);
    assert.deepEqual(complaints, []);
  });
} finally {
  await browser.close();
}
console.log(`browser: ${passed} passed, 0 failed`);
