"use strict";
// What a page has with it packed: texts as gzip, in the signs of base 85. Its scripts are unpacked while the page is read,
// and run in their order.
(() => {
  const api = (window.symbackprop ??= {});
  const root = document.documentElement;

  // Five signs are four bytes, as Python's b85encode has them, with a comma for its "less than".
  const SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~";
  const VALUES = Uint8Array.from({ length: 128 }, (_, code) => SIGNS.indexOf(String.fromCharCode(code)));
  function bytes(text) {
    const view = new DataView(new ArrayBuffer(Math.ceil(text.length / 5) * 4));
    for (let place = 0; place < text.length; place += 5) {
      let number = 0;
      for (let each = place; each < place + 5; each++) number = number * 85 + (each < text.length ? VALUES[text.charCodeAt(each)] : 84);
      view.setUint32((place / 5) * 4, number);
    }
    return new Uint8Array(view.buffer, 0, Math.floor(text.length * 4 / 5));
  }

  api.unpacked = (id) => {
    const { readable, writable } = new DecompressionStream("gzip"), writer = writable.getWriter();
    writer.write(bytes(document.getElementById(id).textContent));
    writer.close();
    return new Response(readable).text();
  };

  api.run = (text) => {
    const script = document.createElement("script");
    script.textContent = text;
    document.head.append(script);
  };

  // An image on its way holds back the load event until the scripts run: who waits for the page has them.
  let isWaiting = true;
  function hold() {
    if (!isWaiting) return;
    const pause = new Image();
    pause.onload = pause.onerror = hold;
    pause.src = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=";
  }

  async function start() {
    root.dataset.setting = ""; // Until the first formulas are set.
    try {
      JSON.parse(await api.unpacked("scripts")).forEach(api.run);
    } catch {
      delete root.dataset.setting; // A browser that cannot unpack has the page without scripts.
    }
    isWaiting = false;
  }
  hold();
  start();
})();
