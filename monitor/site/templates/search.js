// The search page, where the browser has JavaScript: it reads one small file a month, the newest first, and
// stops when it has enough. Each hands its JSON to shard(), which also works for pages that are opened from a
// folder. Text goes in as text, never as HTML.
var shard;
(async function () {
  "use strict";
  const MOST = 50;
  const form = document.getElementById("search");
  const query = document.getElementById("query");
  const list = document.getElementById("found");
  const count = document.getElementById("count");
  const shards = new Map();
  // As `monitor search` takes letters (text.py, store/search.py): "München" is found as "munchen" and as
  // "muenchen", whichever of them was written and whichever is typed.
  const SPELT = { ä: "ae", ö: "oe", ü: "ue", ß: "ss", æ: "ae", œ: "oe", ø: "o", đ: "d", ł: "l", ı: "i" };
  const bare = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  const folded = (text) =>
    bare(text.normalize("NFC").toLowerCase().replace(/[äöüßæœøđłı]/g, (letter) => SPELT[letter]));
  const words = (text) => (text.match(/[\p{L}\p{N}_]+/gu) || []).join(" ");
  const spellings = (text) => [...new Set([words(folded(text)), words(bare(text))])];
  // The phrases of a query, each in its spellings. A word of up to three letters must begin one of the story's:
  // "AI" stands in "said" too, while "Streik" should find a "Warnstreik". So a star at the end says nothing new.
  const phrases = (text) => Array.from(text.matchAll(/"([^"]*)"?|([^\s"]+)/g), (found) =>
    spellings(found[1] ?? found[2]).filter(Boolean).map((spelt) => (spelt.length < 4 ? " " + spelt : spelt)),
  ).filter((spelt) => spelt.length);
  const load = (path) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = path;
    script.onload = () => { script.remove(); resolve(received); };
    script.onerror = () => reject(new Error(path));
    document.head.append(script);
  });
  let received;
  shard = (json) => { received = json; };
  let months;
  try {
    months = (await load("search/index.js")).months;
  } catch {
    return; // no index: the note on the page says what to do instead
  }
  const stories = async (month) => {
    if (!shards.has(month)) {
      const found = await load("search/" + month + ".js");
      for (const story of found.stories) {
        const text = [story.id, story.title, story.text, ...story.themes, ...story.also].join(" ");
        story.words = spellings(text).map((spelt) => " " + spelt).join(" ");
      }
      shards.set(month, found.stories);
    }
    return shards.get(month);
  };
  let turn = 0;
  const search = async () => {
    const mine = ++turn;
    const wanted = phrases(query.value);
    const found = [];
    if (wanted.length) {
      for (const month of months) {
        const fit = (await stories(month)).filter((story) =>
          wanted.every((spelt) => spelt.some((phrase) => story.words.includes(phrase))),
        );
        if (mine !== turn) return;
        found.push(...fit);
        if (found.length >= MOST) break;
      }
    }
    list.replaceChildren(...found.slice(0, MOST).map(row));
    const said = found.length ? form.dataset.found.replace("{n}", String(Math.min(found.length, MOST))) : form.dataset.none;
    count.textContent = wanted.length ? said : "";
  };
  const row = (story) => {
    const item = document.createElement("li");
    const anchor = document.createElement("a");
    const note = document.createElement("span");
    anchor.href = "stories/" + story.id + ".html";
    anchor.textContent = story.title;
    if (story.language) anchor.lang = story.language;
    note.textContent = " " + [story.when || story.day, ...story.themes].join(" · ");
    item.append(anchor, note);
    return item;
  };
  document.getElementById("without").hidden = true;
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  query.addEventListener("input", () => void search());
  query.value = new URLSearchParams(location.search).get("q") || "";
  await search();
})();
