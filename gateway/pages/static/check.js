// Proofs of the ledger, checked in the browser: RFC 9162, section 2.1.3.2, and an ES256 signature (RFC 7515, 7518).
"use strict";
(() => {
  const text = new TextEncoder();
  const bytes = (said) => Uint8Array.from(atob(said.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const hex = (data) => Array.from(data, (b) => b.toString(16).padStart(2, "0")).join("");
  const unhex = (said) => Uint8Array.from(said.match(/../g) ?? [], (two) => parseInt(two, 16));
  const sha256 = async (...parts) => {
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
    return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  };

  // What a signed head says, or null: signed by one of these keys, and a head of a ledger.
  const headOf = async (token, keys) => {
    const [head, body, signature, more] = token.split(".");
    const { alg, typ } = JSON.parse(new TextDecoder().decode(bytes(head)));
    if (alg !== "ES256" || typ !== "ledger-checkpoint+jwt" || more !== undefined) return null;
    const how = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    for (const { kty, crv, x, y } of keys) {
      const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, how, false, ["verify"]);
      if (await crypto.subtle.verify(how, key, bytes(signature), text.encode(`${head}.${body}`)))
        return JSON.parse(new TextDecoder().decode(bytes(body)));
    }
    return null;
  };

  // The root that follows from a leaf and its path, in hex; null where the path does not fit the place.
  const rootBy = async (leaf, index, size, path) => {
    let [at, last, found] = [index, size - 1, leaf];
    if (!(Number.isSafeInteger(index) && 0 <= index && index < size)) return null;
    const half = (n) => Math.floor(n / 2);
    for (const each of path.map(unhex)) {
      if (last === 0) return null;
      if (at % 2 || at === last) {
        found = await sha256([1], each, found);
        while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
      } else found = await sha256([1], found, each);
      [at, last] = [half(at), half(last)];
    }
    return last === 0 ? hex(found) : null;
  };

  // What is wrong first ("unsigned", "bad" and the entry's number), or "good"; how many entries, and of how many no words are bound.
  const check = async (file, keys) => {
    const head = await headOf(file.checkpoint, keys);
    if (head === null) return { says: "unsigned" };
    let unbound = 0;
    for (const { number, words, sealed, path } of file.entries) {
      const data = bytes(sealed), plain = text.encode(words);
      const root = await rootBy(await sha256([0], data), number - 1, head.number, path);
      if (root === null || root !== head.root) return { says: "bad", number };
      const committed = hex(await sha256(plain)) === hex(data.slice(0, 32)), clear = hex(plain) === hex(data);
      if (!committed && !clear && data.length % 256 === 60) return { says: "bad", number };
      unbound += committed || clear ? 0 : 1;
    }
    return { says: "good", count: file.entries.length, number: head.number, unbound };
  };

  if (typeof document === "undefined") { module.exports = { check }; return; }
  const chosen = document.getElementById("proofs"), said = document.getElementById("found");
  const filled = (words, ...parts) => parts.reduce((so, part) => so.replace("{}", part), words);
  const told = ({ says, number, count, unbound }) => {
    if (says === "unsigned") return said.dataset.unsigned;
    if (says === "bad") return filled(said.dataset.bad, number);
    return filled(said.dataset.good, count, number) + (unbound ? " " + filled(said.dataset.unbound, unbound) : "");
  };
  chosen.addEventListener("change", async () => {
    said.textContent = "";
    if (!chosen.files.length) return;
    try {
      const file = JSON.parse(await chosen.files[0].text());
      const { keys } = await (await fetch(said.dataset.keys, { credentials: "same-origin", cache: "no-store" })).json();
      said.textContent = told(await check(file, keys));
    } catch { said.textContent = said.dataset.none; }
  });
})();
