"use strict";
(() => {
  const form = document.querySelector("form");
  const fields = [...form.querySelectorAll("input, select")];
  const status = form.querySelector("[role=status]");
  const decimal = "(?:\\d+(?:[.,]\\d*)?|[.,]\\d+)";
  const power = "(?:\\s*[eE]\\s*[-+−]?\\d+|\\s*[*·×x]\\s*10\\s*(?:\\^|\\*\\*)\\s*[({]?[-+−]?\\d+[)}]?)?";
  const number = new RegExp(`^[-+−]?\\s*${decimal}${power}(?:\\s*/\\s*${decimal}${power})?$`);
  const reads = (text) => text.trim() === "" || number.test(text.trim().normalize("NFKC"));
  const key = `symbackprop ${form.dataset.code}`;

  const check = (field) => {
    if (field.tagName === "SELECT") return true;
    const good = reads(field.value);
    field.setAttribute("aria-invalid", String(!good));
    document.getElementById(field.getAttribute("aria-describedby")).hidden = good;
    return good;
  };

  const keep = () => {
    try {
      localStorage.setItem(key, JSON.stringify(fields.map((field) => field.value)));
    } catch {
      // A browser that keeps nothing for files: what was typed is in the page only.
    }
  };

  const cell = (text) => `"${text.replaceAll('"', '""').replace(/[\r\n]+/g, " ")}"`;

  const table = () => {
    const { student, code } = form.dataset;
    const time = new Date().toISOString().slice(0, 19) + "Z";
    const rows = fields.map((field) => [student, code, time, field.name, field.value.trim()]);
    return [["student", "code", "time", "answer", "value"], ...rows].map((row) => row.map(cell).join(",") + "\r\n").join("");
  };

  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? "[]");
    fields.forEach((field, place) => { field.value = kept[place] ?? ""; });
  } catch {
    // Nothing was kept, or nothing that can be read.
  }

  fields.forEach((field) => {
    field.addEventListener("input", keep);
    field.addEventListener("change", () => check(field));
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const unread = fields.filter((field) => !check(field));
    const blank = fields.filter((field) => field.value.trim() === "").length;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", table()], { type: "text/csv" }));
    link.download = `answers-${form.dataset.code}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    const told = [`${status.dataset.saved} ${link.download}.`];
    if (blank) told.push(`${status.dataset.blank} ${blank}.`);
    if (unread.length) {
      told.push(`${status.dataset.unread} ${unread.map((field) => field.name).join(", ")}.`);
      unread[0].focus();
    }
    status.textContent = told.join(" ");
  });
})();
