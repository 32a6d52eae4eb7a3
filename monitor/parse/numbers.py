"""Find the number that a publisher's system gave to an article, which stays when everything else is edited.

Takes a link without query and fragment, and the normalised title; gives the number, or None if there is none
that is surely the article's own. Taking two articles for one loses the second, while a missed number only
means that an edited article is reported again.
"""

from __future__ import annotations

import re
from typing import Final

_OF_ARTICLE: Final = (
    r"(?:[0-9]{6,}|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}(?:-[0-9a-f]{4}){0,3}(?:-[0-9a-f]{12})?)"
)
_AT_AN_END: Final = re.compile(
    rf"({_OF_ARTICLE})(?![a-z0-9])|(?:.*[^a-z0-9])?({_OF_ARTICLE})(?:\.[a-z]{{3,5}})?$"
)
# Not an article's number: a date, with or without hour and minute, a month, or a round figure ("500,000
# authors").
_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_DAY: Final = r"(?:0[1-9]|[12][0-9]|3[01])"
_NO_NUMBER: Final = re.compile(
    rf"(?:19|20)[0-9]{{2}}{_MONTH}(?:{_DAY}(?:[0-9]{{2}}){{0,2}})?|[1-3][0-9]{_MONTH}{_DAY}"
    rf"|(?:{_DAY}{_MONTH}|{_MONTH}{_DAY})(?:20)?[1-3][0-9]|[0-9]+000"
)
_BETWEEN_FIGURES: Final = re.compile(r"(?<=[0-9])[^0-9a-z]+(?=[0-9])")


def article_number(page: str, title: str) -> str | None:
    """Return the number at either end of the last part of a path, if it is the article's own.

    A figure in the title is not the article's own, nor is one that is also in a folder of the path, as the
    number of a live page or of a court's case.
    """
    folders, _, last = page.rpartition("/")
    match = _AT_AN_END.match(last)
    number = (match[1] or match[2]) if match else ""
    if not number or number in folders or _NO_NUMBER.fullmatch(number):
        return None
    return None if number in _BETWEEN_FIGURES.sub("", title) else number
