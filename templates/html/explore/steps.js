"use strict";
// The page step by step: a step is a displayed line behind the statement, a phase the part of the calculation that it stands
// in. Nothing here runs before the page is shown, or before somebody asks for it.
(() => {
  const api = (window.symbackprop ??= {});
  const root = document.documentElement;
  const PHASES = ["forward", "loss", "backward", "update"];
  const PACE = 2400; // milliseconds of a step at the usual speed
  const started = [], stepped = [], undone = [], forgotten = [], edited = []; // what other scripts have done at the start, after a step, and before the next
  const state = { mode: "all", faded: 3, step: 0, edits: new Map() }; // the numbers that were changed, as texts by name
  let main, bar, status, keys, chains, phases, timer, absent = [], emptied = [];

  const fill = (text, parts) => text.replace(/\{([a-z_]+)\}/g, (whole, name) => parts[name] ?? whole);
  const named = (name) => document.querySelector(`[data-explore="${name}"]`);

  // Words are said by the one region that is read aloud; the same words twice are a change all the same.
  function announce(text) {
    status.textContent = "";
    requestAnimationFrame(() => { status.textContent = text; });
  }

  function phaseOf(chain) {
    const sections = [];
    for (let at = chain.closest("section"); at; at = at.parentElement.closest("section")) sections.push(at);
    return sections.find((one) => PHASES.includes(one.dataset.part)) ?? sections.at(-1);
  }

  function collect() {
    chains = [...main.querySelectorAll(":scope > section:not(:first-of-type) .chain")];
    phases = chains.map(phaseOf);
    chains.forEach((chain) => { chain.tabIndex = -1; });
  }

  const titleOf = (section) => section.querySelector("summary > :is(h2, h3, h4, h5, h6)").textContent;

  function start() {
    const template = document.getElementById("explore");
    if (!template || bar) return Boolean(bar);
    document.querySelector("header").append(template.content.cloneNode(true));
    main = document.getElementById("solution");
    [bar, status, keys] = ["bar", "status", "keys"].map(named);
    collect();
    bar.addEventListener("click", ({ target }) => actions[target.closest("[data-step]")?.dataset.step]?.());
    bar.querySelector("[data-explore=speed]").addEventListener("change", () => { if (timer) play(true); });
    for (const part of started) part();
    return true;
  }

  // What comes behind a node, on every level up to the page's, is taken out of the page: no search and no paper finds it.
  function cut(node, isKept) {
    for (let at = node, parent; at !== main; at = parent) {
      parent = at.parentElement;
      const range = document.createRange();
      if (at === node && !isKept) range.setStartBefore(at);
      else range.setStartAfter(at);
      range.setEndAfter(parent.lastChild);
      if (!range.collapsed) absent.push([parent, range.extractContents()]);
    }
  }

  function restore() {
    for (const part of undone) part();
    for (const [parent, rest] of absent) parent.append(rest);
    for (const [cell, content] of emptied) cell.append(content);
    absent = [];
    emptied = [];
  }

  // The tables of the statement have results too: each stays empty until its line is there.
  function empty(isLater = (id) => absent.some(([, rest]) => rest.getElementById(id))) {
    for (const link of main.querySelectorAll(":scope > section:first-of-type tbody th a.there")) {
      if (!/^#(value|update)-/.test(link.hash) || !isLater(link.hash.slice(1))) continue;
      for (const cell of link.closest("tr").querySelectorAll("td.numeric")) {
        const content = document.createDocumentFragment();
        content.append(...cell.childNodes);
        emptied.push([cell, content]);
      }
    }
  }

  // Notes on a line that is there stay with it.
  function endOf(chain) {
    if (chain.nextElementSibling) return chain;
    let end = chain.parentElement;
    while (end.nextElementSibling?.matches(".note.of-mistake, .note.of-observation")) end = end.nextElementSibling;
    return end;
  }

  const isGradual = () => state.mode === "next" || state.mode === "predict";

  function draw() {
    restore();
    chains.forEach((chain, place) => {
      const isCurrent = place === state.step - 1;
      chain.classList.toggle("current", isCurrent);
      if (isCurrent) chain.setAttribute("aria-current", "step");
      else chain.removeAttribute("aria-current");
    });
    if (isGradual() && state.step < chains.length) {
      if (state.step) cut(endOf(chains[state.step - 1]), true);
      else cut(chains[0], false);
      empty();
    }
    const { counter } = bar.dataset;
    bar.querySelector("[data-explore=counter]").textContent = fill(counter, {
      step: state.step, count: chains.length, phase: state.step ? titleOf(phases[state.step - 1]) : "",
    }).replace(/[\s:：]+$/, "");
    for (const part of stepped) part();
    for (const item of document.querySelectorAll("nav li")) {
      item.hidden = !document.getElementById(item.firstElementChild.hash.slice(1));
    }
  }

  function open(isOpen = true) {
    if (!start()) return;
    bar.hidden = !isOpen;
    root.toggleAttribute("data-stepping", isOpen);
    named("open").setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) play(false);
  }

  function step(number, takesFocus = false) {
    if (!start() || number === undefined) return state.step;
    open();
    api.page.setAll();
    state.step = Math.max(0, Math.min(chains.length, Math.trunc(Number(number)) || 0));
    draw();
    const chain = chains[state.step - 1];
    if (chain) api.page.show(chain, takesFocus);
    announce(bar.querySelector("[data-explore=counter]").textContent);
    return state.step;
  }

  // The first step of the phase before or behind, or the end.
  function leap(direction) {
    const here = Math.max(0, state.step - 1);
    const starts = phases.flatMap((one, place) => (one === phases[place - 1] ? [] : [place + 1]));
    const next = direction > 0
      ? starts.find((one) => one > Math.max(state.step, 0)) ?? chains.length
      : starts.findLast((one) => one < here + 1) ?? 0;
    return next;
  }

  function play(isPlaying = !timer) {
    clearInterval(timer);
    timer = undefined;
    bar?.querySelector("[data-step=play]").setAttribute("aria-pressed", String(isPlaying));
    if (!isPlaying) return;
    if (state.step >= chains.length) step(0);
    timer = setInterval(() => {
      step(state.step + 1);
      if (state.step >= chains.length) play(false);
    }, PACE / Number(bar.querySelector("[data-explore=speed]").value));
  }

  // `faded 3` blanks the last three steps.
  function mode(name) {
    if (name === undefined) return state.mode;
    const [, word, count] = /^(all|next|predict|faded)(?:[ -](\d+))?$/.exec(name) ?? [];
    if (!word) throw new RangeError(`no mode ${name}`);
    if (!start()) return state.mode;
    state.mode = word;
    if (count) state.faded = Number(count);
    root.dataset.mode = word;
    named("mode").value = word;
    if (word !== "all") open();
    api.page.setAll();
    draw();
    if (state.step) api.page.show(chains[state.step - 1]);
    return word;
  }

  function reset() {
    if (state.edits.size) api.reset();
    forgotten.forEach((part) => part());
    step(0);
    scrollTo({ top: 0 });
  }

  const actions = {
    first: (byKey) => step(1, byKey),
    leap: (byKey) => step(leap(1), byKey),
    back: (byKey) => step(leap(-1), byKey),
    next: (byKey) => step(state.step + 1, byKey),
    previous: (byKey) => step(state.step - 1, byKey),
    last: (byKey) => step(chains.length, byKey),
    play: () => play(),
    reset,
    keys: () => { start(); keys.showModal(); },
    close: () => open(false),
  };
  const KEYS = {
    " ": "play", ArrowRight: "next", ArrowLeft: "previous", PageDown: "leap", PageUp: "back", Home: "first", End: "last",
    r: "reset", R: "reset", "?": "keys",
  };
  const OPENING = ["ArrowRight", "?"];

  document.addEventListener("keydown", (event) => {
    const action = KEYS[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    if (target.closest("input, select, textarea, dialog, [contenteditable]")) return;
    if (event.key === " " && target.closest("button, summary, a, [role]")) return;
    if (event.key.startsWith("Arrow") && target.tabIndex === 0 && target.scrollWidth > target.clientWidth) return;
    if (!("stepping" in root.dataset) && !OPENING.includes(event.key)) return;
    if (!start()) return;
    event.preventDefault();
    actions[action](true);
  });

  api.page.onceRead(() => {
    const chosen = named("mode");
    if (!chosen) return;
    chosen.value = "all";
    chosen.addEventListener("change", () => mode(chosen.value));
    named("open").addEventListener("click", () => open(!("stepping" in root.dataset)));
  });
  // Once nothing is left to do for the page itself.
  addEventListener("load", () => (window.requestIdleCallback ?? setTimeout)(start));

  // A line that is computed anew may be another element.
  document.addEventListener("symbackprop:changed", () => {
    if (!bar) return;
    restore();
    collect();
    draw();
  });

  Object.assign(api, { step, mode });
  api.surface = { started, stepped, undone, reset: forgotten, edited, state, fill, cut, empty, endOf, named, announce, restore, draw, actions, keys: KEYS, chains: () => chains };
})();
