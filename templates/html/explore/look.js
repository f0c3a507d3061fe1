"use strict";
// Looking at a symbol: all its places are lit, in formulas and pictures, the rest steps back, and its row of the tables of the
// statement stands beside it.
(() => {
  const { surface, page } = window.symbackprop;
  const made = (kind) => document.createElement(kind);
  const root = document.documentElement;
  const PAUSE = 140, GRACE = 250; // milliseconds until something is lit, and until a row is gone
  const texOf = (formula) => formula.querySelector("annotation")?.textContent ?? "";
  const symbols = new Map(); // by their TeX: the code name, and the row that says what it means
  let main, longest = [], waiting = [], lit = null, stops, pinned = false, tip, timer;

  // Symbols are what stands in the first column of the statement's tables, and what a line finds.
  // A symbol keeps its number, which its places have in their class, when the page is collected anew.
  function collect() {
    for (const row of main.querySelectorAll(":scope > section:first-of-type tbody tr")) {
      const first = row.querySelector("th");
      const formulas = first ? [...first.querySelectorAll(".katex, math")].filter((one) => !one.parentElement.closest(".katex")) : [];
      const name = first?.querySelector("a.there")?.hash.replace(/^#\w+-/, "") ?? "";
      for (const formula of formulas) add(texOf(formula), formulas.length > 1 ? "" : name, row);
    }
    for (const place of main.querySelectorAll(".chain[id], .right[id]")) {
      const left = place.matches(".chain") ? place.querySelector(".left") : place.previousElementSibling;
      if (!/^(value|gradient)-/.test(place.id)) continue;
      add(texOf(left), place.id.replace(/^\w+-/, ""), null);
    }
    longest = [...symbols.keys()].sort((one, other) => other.length - one.length);
  }

  function add(tex, name, row) {
    if (!tex || /[\s\d&]*$/.exec(tex)[0] === tex || tex.length > 80) return;
    const known = symbols.get(tex);
    if (known) {
      known.name ||= name;
      known.row = row ?? known.row;
    } else symbols.set(tex, { name, row, number: symbols.size });
  }

  // TeX with every symbol in a class of its own. What stands below a letter belongs to it, and what is only the beginning of a
  // longer symbol is none.
  function marked(tex) {
    let found = "";
    for (let at = 0; at < tex.length;) {
      const before = tex[at - 1] ?? "";
      const isWord = /[a-zA-Z]/.test(tex[at]) && /[a-zA-Z\\]/.test(before);
      const symbol = isWord ? undefined : longest.find((one) => {
        if (!tex.startsWith(one, at)) return false;
        const after = tex[at + one.length] ?? "";
        return !/[_^']/.test(after) && !(/[a-zA-Z]$/.test(one) && /[a-zA-Z]/.test(after));
      });
      if (symbol) {
        found += `\\htmlClass{sym sym-${symbols.get(symbol).number}}{${symbol}}`;
        at += symbol.length;
      } else {
        const skipped = skip(tex, at, before);
        found += tex.slice(at, skipped);
        at = skipped;
      }
    }
    return found;
  }

  // Behind a command, or the group below a letter, or one character.
  function skip(tex, at, before) {
    const command = /^\\(?:[a-zA-Z]+|.)/.exec(tex.slice(at, at + 40));
    if (command) {
      const end = at + command[0].length;
      return /^\\(begin|end|text|mathrm|operatorname|htmlClass)$/.test(command[0]) ? groupEnd(tex, end) : end;
    }
    return tex[at] === "_" && before !== "}" ? groupEnd(tex, at + 1) : at + 1;
  }

  function groupEnd(tex, at) {
    if (tex[at] !== "{") return at;
    let depth = 0;
    for (let end = at; end < tex.length; end += 1) {
      if (tex[end] === "{") depth += 1;
      else if (tex[end] === "}" && !(depth -= 1)) return end + 1;
    }
    return tex.length;
  }

  function mark(formula) {
    if (formula.dataset.marked !== undefined || !formula.isConnected) return;
    formula.dataset.marked = "";
    const math = formula.querySelector("math"), shown = formula.querySelector(":scope > .katex-html");
    const tex = texOf(formula), changed = marked(tex);
    if (!math || !shown || changed === tex) return;
    const set = page.laidOut(changed, math.getAttribute("displaystyle") === "true")?.querySelector(":scope > .katex-html");
    if (!set) return;
    for (const one of set.querySelectorAll(".sym")) one.classList.toggle("lit", isLit(one));
    shown.replaceWith(set);
  }

  const formulasIn = (part) => [...part.querySelectorAll(".katex:not([data-marked])")];

  function queue() {
    delete root.dataset.marked;
    waiting = formulasIn(main).reverse();
    requestIdleCallback(work);
  }

  function work(deadline) {
    while (waiting.length && deadline.timeRemaining() > 4) mark(waiting.pop());
    if (waiting.length) requestIdleCallback(work);
    else root.dataset.marked = "";
  }

  const symbolOf = (element) => {
    const number = /\bsym-(\d+)\b/.exec(element.getAttribute("class"))?.[1];
    return number && [...symbols.values()][Number(number)];
  };
  const byName = (name) => [...symbols.values()].find((one) => one.name === name && one.row)
    ?? [...symbols.values()].find((one) => one.name === name);
  const isLit = (element) => Boolean(lit) && symbolOf(element) === lit;

  // What an element is about: a symbol of a formula, a part of a picture, a row of a table.
  function subject(element) {
    const symbol = element.closest?.(".sym, .stops button");
    if (symbol) return symbolOf(symbol);
    const part = element.closest?.("svg.figure [data-name]") ?? element.closest?.("svg.figure .reach")?.nextElementSibling;
    if (part?.dataset.name) return byName(part.dataset.name) ?? { name: part.dataset.name, row: null };
    const row = element.closest?.("main > section:first-of-type tbody tr");
    return row && element.closest("th") ? [...symbols.values()].find((one) => one.row === row) : undefined;
  }

  function light(found) {
    lit = found ?? null;
    root.toggleAttribute("data-looking", Boolean(lit));
    if (lit) formulasIn(main).filter(isNear).forEach(mark);
    for (const one of main.querySelectorAll(".sym")) one.classList.toggle("lit", isLit(one));
    for (const svg of main.querySelectorAll("svg.figure:not(.plot)")) {
      const parts = [...svg.querySelectorAll("[data-name]")];
      const own = parts.filter((one) => lit && [one.dataset.name, ...(one.dataset.also?.split(" ") ?? [])].includes(lit.name));
      if (svg.matches(":hover, :focus-within")) continue; // Here the chain of the gradient is lit.
      svg.classList.toggle("lit", own.length > 0);
      parts.forEach((one) => one.classList.toggle("lit", own.includes(one)));
    }
  }

  function isNear(element) {
    const { top, bottom } = element.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  }

  // A copy without names: a place has one.
  function copied(node) {
    const copy = node.cloneNode(true);
    for (const one of [copy, ...copy.querySelectorAll("[id], [tabindex], [aria-current]")]) {
      ["id", "tabindex", "aria-current", "aria-describedby"].forEach((name) => one.removeAttribute(name));
    }
    copy.querySelectorAll(".here, input, button").forEach((one) => one.remove());
    copy.querySelectorAll("a").forEach((one) => one.replaceWith(...one.childNodes));
    return copy;
  }

  function rows(found, isPart) {
    const list = made("dl");
    const heads = found.row ? [...found.row.closest("table").querySelectorAll("thead th")] : [];
    (found.row ? [...found.row.children] : []).forEach((cell, place) => {
      if (!cell.textContent.trim()) return;
      const term = made("dt"), meaning = made("dd");
      term.textContent = heads[place]?.textContent ?? "";
      meaning.append(...copied(cell).childNodes);
      list.append(term, meaning);
    });
    const line = isPart ? document.getElementById(`gradient-${found.name}`) : null;
    const shown = [list];
    if (line?.matches(".chain")) {
      const display = made("div");
      display.className = "display";
      display.append(copied(line));
      shown.push(display);
    }
    return shown.filter((one) => one.childNodes.length);
  }

  function show(element, found) {
    const content = rows(found, Boolean(element.closest("svg")));
    hide();
    if (!content.length) return;
    tip.replaceChildren(...content);
    tip.hidden = false;
    element.setAttribute("aria-describedby", tip.id);
    // What is said of a part of a picture does not stand on the picture, or where it fills the screen at the other end of it.
    const part = element.getBoundingClientRect(), box = element.closest("svg")?.getBoundingClientRect() ?? part;
    const own = tip.getBoundingClientRect();
    const above = box.top - own.height - 8;
    const isBelow = box.bottom + own.height + 8 < innerHeight || (above < 0 && part.top + part.bottom < innerHeight);
    const top = isBelow ? box.bottom + 8 : above;
    tip.style.top = `${Math.max(4, Math.min(top, innerHeight - own.height - 4))}px`;
    tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - own.width - 4))}px`;
  }

  function hide() {
    document.querySelector(`[aria-describedby="${tip.id}"]`)?.removeAttribute("aria-describedby");
    tip.hidden = true;
    tip.replaceChildren();
    pinned = false;
  }

  function leave() {
    hide();
    light(null);
  }

  function point(event, pause) {
    if (pinned) return;
    const { target } = event;
    if (tip.contains(target)) return clearTimeout(timer);
    const formula = target.closest?.(".katex:not([data-marked])");
    if (formula && main.contains(formula)) mark(formula);
    const under = formula ? document.elementFromPoint(event.clientX, event.clientY) ?? target : target;
    const found = subject(under);
    clearTimeout(timer);
    if (found) timer = setTimeout(() => { light(found); show(under.closest(".sym, [data-name], th, .reach") ?? under, found); }, pause);
    else if (lit) timer = setTimeout(leave, GRACE);
  }

  // The symbols of the line that somebody is at are stops of the keyboard: each once, behind the line.
  function reach(chain) {
    stops?.remove();
    stops = made("div");
    stops.className = "stops";
    for (const symbol of new Set([...chain.querySelectorAll(".sym")].map(symbolOf))) {
      const stop = made("button"), tex = [...symbols.keys()][symbol.number];
      stop.type = "button";
      stop.className = `sym-${symbol.number}`;
      stop.setAttribute("aria-label", tex.replace(/\\(mathrm|frac)|[\\{}_^]/g, " ").trim());
      stop.append(page.laidOut(tex, false));
      stops.append(stop);
    }
    chain.append(stops);
  }

  function stepped() {
    const current = main.querySelector(".chain.current");
    stops?.remove();
    if (!current) return;
    formulasIn(current).forEach(mark);
    reach(current);
  }

  surface.started.push(() => {
    tip = surface.named("tip");
    main = document.getElementById("solution");
    collect();
    queue();
    document.addEventListener("pointerover", (event) => { if (event.pointerType !== "touch") point(event, PAUSE); });
    document.addEventListener("focusin", ({ target }) => {
      const found = !pinned && target.closest("main") && subject(target);
      if (found) { light(found); show(target, found); }
    });
    document.addEventListener("focusout", ({ target }) => { if (!pinned && lit && subject(target)) leave(); });
    document.addEventListener("click", (event) => {
      if (tip.contains(event.target)) return;
      const symbol = event.target.closest(".sym, .stops button");
      const wasPinned = pinned;
      if (pinned) leave();
      if (!symbol || event.target.closest("a") || (wasPinned && !symbol)) return;
      clearTimeout(timer);
      light(symbolOf(symbol));
      show(symbol, symbolOf(symbol));
      pinned = !tip.hidden;
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && lit) { clearTimeout(timer); leave(); }
    });
  });
  surface.undone.push(() => stops?.remove());
  surface.stepped.push(stepped);
  document.addEventListener("symbackprop:changed", () => { if (tip) { collect(); queue(); } });
})();
