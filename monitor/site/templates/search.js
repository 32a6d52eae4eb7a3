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
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/ß/g, "ss");
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
        story.words = fold([story.id, story.title, story.text, ...story.themes, ...story.also].join(" "));
      }
      shards.set(month, found.stories);
    }
    return shards.get(month);
  };
  let turn = 0;
  const search = async () => {
    const mine = ++turn;
    const words = fold(query.value).split(/\s+/).filter(Boolean);
    const found = [];
    if (words.length) {
      for (const month of months) {
        const fit = (await stories(month)).filter((story) => words.every((word) => story.words.includes(word)));
        if (mine !== turn) return;
        found.push(...fit);
        if (found.length >= MOST) break;
      }
    }
    list.replaceChildren(...found.slice(0, MOST).map(row));
    const said = found.length ? form.dataset.found.replace("{n}", String(Math.min(found.length, MOST))) : form.dataset.none;
    count.textContent = words.length ? said : "";
  };
  const row = (story) => {
    const item = document.createElement("li");
    const anchor = document.createElement("a");
    const note = document.createElement("span");
    anchor.href = "stories/" + story.id + ".html";
    anchor.textContent = story.title;
    if (story.language) anchor.lang = story.language;
    note.textContent = " " + [story.day, ...story.themes].join(" · ");
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
