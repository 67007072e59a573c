// SPDX-License-Identifier: Apache-2.0
// Keeps the status page current. Everything works without it: it asks for the same page again, and
// carries over what differs, so that focus, selection, scroll position and typed text stay.
//
// Happy path: every five seconds, while the page is seen, the server answers 304. When a request
// fails, the page says so with the time of what it shows, and asks less and less often; it never
// asks before the end of a Retry-After. One request at a time: a new one aborts the one before.
"use strict";
(() => {
  const INTERVAL = 5000, SLOWEST = 60000, TIMEOUT = 10000, TYPING = 150;
  const $ = (selector, from = document) => from.querySelector(selector);
  const form = $("form"), search = $("input[type=search]"), live = $(".live");
  const fields = form.querySelectorAll("input[type=search], select");

  let etag = null;        // of the page of this address
  let timer = 0;          // of the next request
  let request = null;     // the AbortController of the one under way
  let failures = 0;       // in a row
  let notBefore = 0;      // the end of a Retry-After
  let asOf = new Date();  // what is shown was true then
  let skew = 0;           // the server's clock, less ours

  // ---- times ----

  function ago(ms) {
    const s = Math.round(Math.abs(ms) / 1000);
    const [n, unit] = s < 60 ? [s, "s"] : s < 3600 ? [s / 60, "min"] :
      s < 172800 ? [s / 3600, "h"] : [s / 86400, "days"];
    const text = `${Math.floor(n)} ${unit}`;
    return ms < 0 ? `in ${text}` : s < 3 ? "just now" : `${text} ago`;
  }

  // A since becomes "3 min ago" with the moment as its title; an end gets "(in 8 min)" besides.
  function tellTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const isSince = time.closest(".since"), ms = Date.now() + skew - Date.parse(time.dateTime);
      time.title ||= time.textContent;
      const text = isSince ? ago(Math.max(ms, 0)) : `${time.title} (${ago(ms)})`;
      if (time.textContent !== text)
        time.textContent = text;
    }
  }

  // What the address asks for in that field of the form.
  const asked = field => new URLSearchParams(location.search).get(field.name) ?? "";

  // ---- from one page to the next ----

  // Space between blocks means nothing, and would stand in the way of matching them.
  function prepare(root) {
    for (const parent of root.querySelectorAll("body, header, main, form, section, table, thead, tbody, tr, ul"))
      for (const node of [...parent.childNodes])
        if (node.nodeType === Node.TEXT_NODE && !node.data.trim())
          node.remove();
    tellTimes(root);
  }

  // A row may move to another table: by its id it is found again.
  let rows = new Map();
  const key = node => node.nodeName + (node.id || node.getAttribute?.("aria-labelledby") || node.getAttribute?.("class") || "");

  function carryAttributes(old, fresh) {
    for (const { name } of [...old.attributes])
      if (!fresh.hasAttribute(name))
        old.removeAttribute(name);
    for (const { name, value } of fresh.attributes)
      if (old.getAttribute(name) !== value)
        old.setAttribute(name, value);
  }

  function carryChildren(old, fresh) {
    const spare = new Map();
    for (const node of old.childNodes)
      spare.set(key(node), [...spare.get(key(node)) ?? [], node]);
    const wanted = [...fresh.childNodes].map(node => [spare.get(key(node))?.shift() ?? rows.get(node.id), node]);
    for (const node of [...spare.values()].flat())
      node.remove();
    let at = old.firstChild;
    for (const [match, node] of wanted) {
      const kept = match ?? document.importNode(node);
      if (kept === at)
        at = at.nextSibling;
      else
        old.insertBefore(kept, at);
      carry(kept, node);
    }
  }

  // Makes old equal to fresh. What the reader types or picks, and what we say, is not the server's.
  function carry(old, fresh) {
    if (old.isEqualNode(fresh) || old === search || old === live)
      return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.data = fresh.data;
      return;
    }
    if (old.nodeName === "SELECT") {
      if (old !== document.activeElement) {
        carryChildren(old, fresh);
        old.value = asked(old);
      }
      return;
    }
    carryAttributes(old, fresh);
    carryChildren(old, fresh);
  }

  function show(fresh) {
    const focused = document.activeElement;
    prepare(fresh);
    rows = new Map([...document.querySelectorAll("tr[id]")].map(row => [row.id, row]));
    for (const part of ["header", "main", "footer"])
      carry($(part), $(part, fresh));
    if (document.title !== fresh.title) {
      document.title = fresh.title;
      // The picture of the tab tells the status too; only another address is asked for again.
      $("link[rel=icon]").href = `badge.svg?icon&${$("header").dataset.status}`;
    }
    // A row that had to move has lost it.
    if (focused !== document.activeElement && focused.isConnected)
      focused.focus({ preventScroll: true });
  }

  function say(text, isLost = false) {
    live.toggleAttribute("data-lost", isLost);
    if (live.textContent !== text)
      live.textContent = text;
  }

  const verdict = () => [...document.querySelectorAll("h1, .why")].map(p => p.textContent).join(". ");

  // ---- asking ----

  class Refused extends Error {}

  function noteRetryAfter(reply) {
    const after = reply.headers.get("Retry-After");
    if (after && !reply.ok)
      notBefore = Date.now() + (Number(after) * 1000 || Date.parse(after) - Date.now() - skew || 0);
  }

  // Resolves to the new page, or to null when nothing has changed.
  async function ask(signal) {
    const headers = { Accept: "text/html" };
    if (etag)
      headers["If-None-Match"] = etag;
    const url = new URL(location.href);
    url.username = url.password = ""; // fetch takes no address with them; the browser knows them
    const reply = await fetch(url, { headers, signal, cache: "no-store" });
    noteRetryAfter(reply);
    skew = Date.parse(reply.headers.get("Date")) - Date.now() || 0;
    if (reply.status === 304)
      return null;
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (!$("main#dependencies", fresh))
      throw new Refused(reply.ok ? "Another page answers" : `The server answers ${reply.status}`);
    etag = reply.headers.get("ETag");
    return fresh;
  }

  function noteFailure(problem) {
    failures++;
    const what = problem instanceof Refused ? problem.message : "Connection lost";
    say(`${what}, data of ${asOf.toLocaleTimeString("en-GB")}`, true);
  }

  // What is said of a new page: that it is there again, its verdict, or what a search found.
  function announce(before, isSearch) {
    const now = verdict();
    if (now !== before)
      say(now);
    else if (isSearch)
      say(($(".note") ?? $(".counts")).textContent);
    else if (failures)
      say("Connected again");
  }

  async function load(isSearch = false) {
    request?.abort();
    clearTimeout(timer);
    const mine = request = new AbortController();
    const limit = setTimeout(() => mine.abort(), TIMEOUT);
    try {
      const fresh = await ask(mine.signal);
      if (mine !== request)
        return;
      const before = verdict();
      if (fresh)
        show(fresh);
      announce(before, isSearch);
      failures = 0;
      asOf = new Date();
    } catch (problem) {
      if (mine !== request)
        return;
      noteFailure(problem);
    } finally {
      clearTimeout(limit);
    }
    request = null;
    $("main").removeAttribute("aria-busy");
    schedule();
  }

  function schedule() {
    clearTimeout(timer);
    if (document.hidden)
      return;
    const pause = Math.min(INTERVAL * 2 ** failures, SLOWEST);
    timer = setTimeout(load, Math.max(pause, notBefore - Date.now()));
  }

  // At once, unless the server has asked us to wait.
  function loadSoon(isSearch) {
    if (Date.now() >= notBefore)
      load(isSearch);
    else
      schedule();
  }

  // ---- search and filters ----

  function go(url, isNew) {
    if (url.href === location.href)
      return;
    // Relative: the page's own address may hold a password.
    history[isNew ? "pushState" : "replaceState"](null, "", url.pathname + url.search);
    etag = null;
    $("main").setAttribute("aria-busy", "true");
    loadSoon(true);
  }

  function filter() {
    const url = new URL(location.href);
    url.searchParams.delete("page");
    for (const { name, value } of fields) {
      url.searchParams.delete(name);
      if (value)
        url.searchParams.append(name, value);
    }
    go(url, false);
  }

  function fillForm() {
    for (const field of fields)
      field.value = asked(field);
  }

  let typing = 0;
  form.addEventListener("input", event => {
    clearTimeout(typing);
    typing = setTimeout(filter, event.target === search ? TYPING : 0);
  });
  form.addEventListener("submit", event => {
    event.preventDefault();
    clearTimeout(typing);
    filter();
  });

  // Links that only filter or turn pages change what is shown in place.
  $("main").addEventListener("click", event => {
    const link = event.target.closest("a");
    if (link?.pathname !== location.pathname || link.hash || event.button ||
        event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
      return;
    event.preventDefault();
    go(new URL(link.href), true);
    fillForm();
    if (link.closest(".pages"))
      $("main").scrollIntoView();
  });
  addEventListener("popstate", () => {
    etag = null;
    fillForm();
    loadSoon(true);
  });

  document.addEventListener("keydown", event => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea"))
      return;
    event.preventDefault();
    search.select();
    search.focus();
  });

  // ---- begin ----

  document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : loadSoon());
  addEventListener("online", () => loadSoon());
  setInterval(() => document.hidden || tellTimes(document), 1000);

  document.documentElement.classList.add("js");
  search.setAttribute("aria-keyshortcuts", "/");
  if (matchMedia("(pointer: fine)").matches)
    search.placeholder = "press / to search";
  prepare(document);
  schedule();
})();
