"use strict";
// What is on the page in its address: changed numbers, mode and step; and copies of it.
(() => {
  const api = window.symbackprop, { surface } = api;
  const { state } = surface;
  const OWN = ["mode", "step"];

  function address() {
    const names = new Map([...(surface.aliases ?? [])].map(([alias, name]) => [name, alias]));
    const parts = [...state.edits].map(([name, text]) => [names.get(name) ?? name, text]);
    if (state.mode !== "all") parts.push(["mode", state.mode === "faded" ? `faded-${state.faded}` : state.mode]);
    if (state.step) parts.push(["step", state.step]);
    return parts.map((part) => part.map((one) => encodeURIComponent(one).replaceAll("%2F", "/").replaceAll("%40", "@")).join("=")).join("&");
  }

  // The address of a place on the page stays until there is something else to say.
  function keep() {
    const found = address();
    if (!found && !location.hash.includes("=")) return;
    try {
      history.replaceState(null, "", found ? `#${found}` : location.pathname + location.search);
    } catch { /* A page without an address of its own. */ }
  }

  async function take() {
    const { hash } = location;
    if (!hash.includes("=")) return;
    const parts = new Map(hash.slice(1).split("&").map((part) => part.split("=").map(decoded)));
    for (const [name, text] of parts) {
      if (OWN.includes(name) || !text || !surface.aliases) continue;
      await api.set(surface.aliases.get(name) ?? name, text).catch((error) => surface.announce(`${name}: ${error?.message ?? error}`));
    }
    const mode = parts.get("mode"), step = parts.get("step");
    if (/^(all|next|predict|faded(-\d+)?)$/.test(mode ?? "") && surface.named("mode").querySelector(`[value=${mode.split("-")[0]}]`)) api.mode(mode);
    if (/^\d+$/.test(step ?? "")) api.step(Number(step));
  }

  function decoded(text) {
    try { return decodeURIComponent(text); } catch { return text; }
  }

  async function copy(text) {
    await navigator.clipboard.writeText(text);
    surface.announce(surface.named("bar").dataset.copied);
  }

  // The line that somebody is at, with all its relations, as LaTeX without our commands for colours.
  function line() {
    const texOf = (cell) => cell?.querySelector("annotation")?.textContent.replace(/\\[fb]wd(?![a-zA-Z])/g, "") ?? "";
    const lines = [...surface.chains()[state.step - 1]?.querySelectorAll(".line") ?? []];
    const rows = lines.map((one) => ["left", "right"].map((side) => texOf(one.querySelector(`:scope > .${side}`)))).filter((row) => row.some(Boolean));
    if (rows.length < 2) return rows.flat().filter(Boolean).join(" ");
    return `\\begin{aligned}\n${rows.map((row) => row.join(" & ").trim()).join(" \\\\\n")}\n\\end{aligned}`;
  }

  // In the problem file each number has its name before it, between two signs.
  const NUMBER = /"\u2039([^\u203a"]*)\u203a([^"]*)"/g;
  const text = () => document.getElementById("explore-file")?.content.textContent ?? "";
  surface.given = () => new Map([...text().matchAll(NUMBER)].map(([, name, given]) => [name, given]));

  // The file with the numbers as they are.
  function file() {
    return text().replace(NUMBER, (_, name, given) => {
      const own = (state.edits.get(name) ?? given).trim();
      return /^[-+]?(0|[1-9]\d*)(\.\d+)?(e[-+]?\d+)?$/i.test(own) ? own : JSON.stringify(own);
    });
  }

  surface.started.push(() => {
    const link = () => location.href.replace(/#.*/, "") + (address() ? `#${address()}` : "");
    surface.named("link").hidden = location.protocol === "about:"; // in a frame of a notebook it has no address
    surface.named("link").addEventListener("click", () => copy(link()));
    surface.named("file")?.addEventListener("click", () => copy(file()));
    surface.actions.copy = () => { if (line()) copy(line()); };
    surface.keys.c = surface.keys.C = "copy";
    surface.stepped.push(keep);
    surface.edited.push(keep);
    addEventListener("hashchange", take);
    queueMicrotask(take);
  });
})();
