// The engine of a page without a page: reads what a page has with it and edits, writes the view of the page after each.
const { readFileSync } = require("fs");
const { engine, given, edits } = JSON.parse(readFileSync(0, "utf-8"));
globalThis.window = { symbackprop: { given } };
new Function(engine)();
const api = globalThis.window.symbackprop;
const found = edits.map((edit) => {
  let problem = api.stated;
  try {
    for (const [name, text] of edit) problem = api.edited(problem, name, text);
    const start = performance.now();
    const { view, left } = api.view(problem);
    return { view, left, milliseconds: performance.now() - start };
  } catch (error) {
    return { refused: String(api.reason(error)), stack: `${error?.constructor?.$title} ${JSON.stringify(error?.args ?? error?.what?.id ?? null)} ${error?.stack}`.slice(0, 2000) };
  }
});
process.stdout.write(JSON.stringify(found));
