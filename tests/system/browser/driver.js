// SPDX-License-Identifier: Apache-2.0
// One Chromium, driven by lines of JSON on standard input, one answer a line on standard output; the
// Python side is harness/browser.py. It ends, and the browser with it, at the end of its input.
"use strict";
const fs = require("node:fs");
const readline = require("node:readline");
const { chromium } = require("playwright-core");

const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const pages = new Map();

// Everything that a page must not do, as sentences, and the statuses that its script was answered.
async function watch(page, origin) {
  const problems = [], statuses = [];
  page.on("console", message => {
    if (["error", "warning"].includes(message.type()))
      problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", error => problems.push(`error: ${error.stack}`));
  page.on("request", request => {
    if (new URL(request.url()).origin !== origin)
      problems.push(`request to another origin: ${request.url()}`);
  });
  page.on("response", response => {
    if (response.request().resourceType() === "fetch")
      statuses.push(response.status());
  });
  page.on("requestfailed", request => {
    if (request.resourceType() === "fetch" && !request.existingResponse())
      statuses.push(request.failure().errorText);
  });
  await page.exposeBinding("reportViolation", (_, text) => problems.push(`policy: ${text}`));
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation",
    event => window.reportViolation(`${event.violatedDirective} ${event.blockedURI}`)));
  return { problems, statuses };
}

const commands = {
  async open(browser, { id, url, options, clock }) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    pages.set(id, { context, page, ...await watch(page, new URL(url).origin) });
    if (clock)
      await page.clock.install();
    await page.goto(url);
  },

  // Any method of Playwright's page, by its name: "keyboard.press".
  async call(browser, { id, method, args }) {
    const path = method.split(".");
    const name = path.pop();
    const target = path.reduce((object, part) => object[part], pages.get(id).page);
    return target[name](...args);
  },

  async axe(browser, { id, without }) {
    const { page } = pages.get(id);
    await page.evaluate(axe);
    const rules = Object.fromEntries(without.map(rule => [rule, { enabled: false }]));
    const { violations } = await page.evaluate(options => window.axe.run(options),
      { runOnly: { type: "tag", values: RULES }, rules, resultTypes: ["violations"] });
    return violations.map(({ id: rule, help, nodes }) =>
      `${rule}: ${help}: ${nodes.slice(0, 3).map(node => `${node.html} (${node.failureSummary})`).join("; ")}`);
  },

  async statuses(browser, { id }) {
    return pages.get(id).statuses;
  },

  async close(browser, { id }) {
    const { context, problems } = pages.get(id);
    pages.delete(id);
    await context.close();
    return problems;
  },
};

async function answer(browser, line) {
  try {
    const request = JSON.parse(line);
    const result = await commands[request.command](browser, request);
    return { result: Buffer.isBuffer(result) ? null : result ?? null };
  } catch (error) {
    return { error: error.stack };
  }
}

async function main() {
  const browser = await chromium.launch({ executablePath: process.argv[2], args: ["--no-sandbox"] });
  for await (const line of readline.createInterface({ input: process.stdin }))
    process.stdout.write(`${JSON.stringify(await answer(browser, line))}\n`);
  await browser.close();
}

main();
