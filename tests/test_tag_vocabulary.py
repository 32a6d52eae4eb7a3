from __future__ import annotations

import pytest

from monitor.tag.vocabulary import Vocabulary

ROWS = {
    "urheberrecht": "1000",
    "klage": "2000",
    "verlag": "\t4000",
    "verlage": "9000",
    "ging": "8000",
    "alle": "8000",
}
NOTHING = ()


@pytest.mark.parametrize(
    ("word", "row"),
    [
        ("klage", (2.0, 0.0)),
        ("klagen", (2.0, 0.0)),
        ("verlags", (0.0, 4.0)),
        ("urheberrechtsklage", (1.5, 0.0)),
        ("urheberrechtklage", (1.5, 0.0)),
        ("urheberrechtsfluss", NOTHING),
        ("alleging", NOTHING),
        ("fluss", NOTHING),
        ("", NOTHING),
    ],
)
def test_a_word_speaks_for_itself_its_stem_or_its_parts(word: str, row: tuple[float, ...]) -> None:
    assert Vocabulary(ROWS, "de", 2).row(word) == row


def test_english_has_no_compounds() -> None:
    assert Vocabulary({"paper": "1000", "trail": "1000"}, "en", 1).row("papertrail") == ()
