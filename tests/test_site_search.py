"""The archive's search finds the same as `monitor search`, however a word is written. Node runs the script
itself.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from newsroom import Desk, at, item, page, run, serving

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")

# As much of a browser as the script needs: elements keep their contents, and added scripts are run.
BROWSER = """
const fs = require("node:fs"), path = require("node:path"), vm = require("node:vm");
const [folder, ...queries] = process.argv.slice(1);
const element = () => ({ dataset: { found: "{n}", none: "0" }, append() {}, remove() {}, addEventListener() {},
  replaceChildren(...rows) { this.rows = rows; } });
const find = async (query) => {
  const known = {};
  const document = { getElementById: (id) => (known[id] ??= element()), createElement: element, head: { append(script) {
    vm.runInContext(fs.readFileSync(path.join(folder, script.src), "utf8"), page);
    script.onload();
  } } };
  const page = vm.createContext({ document, location: { search: "?q=" + encodeURIComponent(query) }, URLSearchParams });
  vm.runInContext(fs.readFileSync(path.join(folder, "search.js"), "utf8"), page);
  await new Promise((done) => setImmediate(done));
  return Number(known.count.textContent);
};
(async () => {
  const counts = [];
  for (const query of queries) counts.push(await find(query));
  console.log(JSON.stringify(counts));
})();
"""

TITLES = (
    "AI artists picket a studio in München",
    "AI artists of Groeßling meet René",
    "AI artists paint Straße, Łódź, Smørrebrød",
    "AI artists sing Œuvre and „Æther“",
)
# Both searches are asked for each, and must find this many titles.
QUERIES = {
    **dict.fromkeys(("München", "Muenchen", "munchen", "MÜNCHEN", "Mu\u0308nchen", "Münch*", "muench*"), 1),
    **dict.fromkeys(("Größling", "GROESSLING", "grösslin*", "rene", "René"), 1),
    **dict.fromkeys(
        ("strasse", "Straße", "Lodz", "łódź", "smorrebrod", "Smørrebrød paint", "oeuvre", "aether"), 1
    ),
    **dict.fromkeys(
        ('"studio in München"', '"studio in Muenchen"', '"paint STRASSE', "artists, René", "AI Æther"), 1
    ),
    **dict.fromkeys(('"in studio"', "nowhere", "Munich", "tudio picket AI nowhere", "ts"), 0),
    **dict.fromkeys(("AI", "artists", "AI art*"), len(TITLES)),
}


def test_a_word_is_found_in_each_of_its_spellings_as_the_command_finds_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [])
    with serving() as server:
        server.on("/a", page(*(item(f"n{n}", title, published=at(8)) for n, title in enumerate(TITLES))))
        desk.follow([server.url("/a")])
        run(tmp_path, "poll", "--all", now=at(9))
    run(tmp_path, "digest", "--send", now=at(7.5, 1))
    listed = {query: run(tmp_path, "search", query, "--json").out for query in QUERIES}
    assert {query: len(json.loads(found)) for query, found in listed.items()} == QUERIES
    command = ["node", "-e", BROWSER, str(tmp_path / "digests"), *QUERIES]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert dict(zip(QUERIES, json.loads(found.stdout), strict=True)) == QUERIES
