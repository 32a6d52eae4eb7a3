// The search page, where the browser has JavaScript and the pages come from a server: it reads one small
// JSON file a month, the newest first, and stops when it has enough. Text goes in as text, never as HTML.
(async function () {
  "use strict";
  const MOST = 50;
  const form = document.getElementById("search");
  const query = document.getElementById("query");
  const list = document.getElementById("found");
  const count = document.getElementById("count");
  const shards = new Map();
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/ß/g, "ss");
  const load = async (path) => {
    const reply = await fetch(path);
    if (!reply.ok) throw new Error(path);
    return reply.json();
  };
  let months;
  try {
    months = (await load("search/index.json")).months;
  } catch {
    return; // opened from a folder: the note on the page says what to do instead
  }
  const stories = async (month) => {
    if (!shards.has(month)) {
      const shard = await load("search/" + month + ".json");
      for (const story of shard.stories) {
        story.words = fold([story.id, story.title, story.text, ...story.themes, ...story.also].join(" "));
      }
      shards.set(month, shard.stories);
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
