"""Check the names in monitor.toml against what knows them: languages, formats, channels, themes, recipients.

Takes the file as it was written and notes faults in it. A table that cannot be read has faults of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor import digest, languages, values
from monitor.config import tables, themes
from monitor.config.general import Alert
from monitor.deliver import CHANNELS, address_spec
from monitor.models import Selection
from monitor.site import SavedSearch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor import tag
    from monitor.toml import Place, TomlDocument


def judge(document: TomlDocument, found: Mapping[type[Any], Any]) -> None:
    """Check names against the registries that know them: languages, formats, channels.

    It looks at the file and not at the values read from it: from a table with another fault no values were
    read.
    """
    _judge_language(document, ("language",), document.data.get("language"))
    for index, name in _named(document, "digest", "formats"):
        if name not in digest.FORMATS:
            document.fault(
                ("digest", "formats", index), f"there is no {name!r}{values.likely(name, digest.FORMATS)}"
            )
    alert = document.data.get("alert")
    channels: Iterable[tuple[int, str]] = ()
    if isinstance(alert, dict) and alert.get("enabled", True) is not False:
        by_default = enumerate(Alert().channels)
        channels = _named(document, "alert", "channels") if "channels" in alert else by_default
    for index, name in channels:
        place = ("alert", "channels", index)
        if name not in CHANNELS:
            document.fault(place, f"there is no {name!r}{values.likely(name, CHANNELS)}")
            continue
        declared = CHANNELS[name].declared
        if declared.TABLE not in document.data and tables.is_optional(declared):
            document.fault(place, f"{name!r} is named but there is no [{declared.TABLE}] table")
        elif found.get(declared) and not getattr(found[declared], "enabled", True):
            document.fault(place, f"{name!r} is named but [{declared.TABLE}] is switched off")


def _judge_language(document: TomlDocument, place: Place, name: object) -> None:
    if isinstance(name, str) and name not in languages.AVAILABLE:
        document.fault(place, f"there is no {name!r}{values.likely(name, languages.AVAILABLE)}")


def judge_preferences(document: TomlDocument, rules: tag.Rules | None) -> None:
    """Check that the favoured and played-down themes and beats exist; `rules` None: the shipped ones."""
    for key in ("favour", "play_down"):
        for index, slug in _named(document, "digest", key):
            known = [one for slugs in _known(rules).values() for one in slugs]
            if slug not in known:
                reason = f"there is no {slug!r}{values.likely(slug, known)}"
                document.fault(("digest", key, index), reason)


def judge_selections(document: TomlDocument, rules: tag.Rules | None) -> None:
    """Check the recipients of selections, and that the themes and beats they name exist."""
    recipients = [address(one) for _, one in _named(document, "email", "to")]
    seen = set[str]()
    for place, written, table in tables.named(document, Selection.TABLE):
        if not isinstance(table, dict):
            continue
        who = address(written)
        if who in seen:
            document.fault(place, "is listed twice")
        elif who not in recipients:
            document.fault(place, f"gets no mail: it is not in `to`{values.likely(who, recipients)}")
        seen.add(who)
        _judge_language(document, (*place, "language"), table.get("language") or None)
        for key, other in (("themes", "beats"), ("beats", "themes")):
            for index, slug in _named(document, *place, key):
                known = _known(rules)
                if slug in known[other]:
                    document.fault((*place, key, index), f"{slug!r} belongs under {other}")
                elif slug not in known[key]:
                    reason = f"there is no {slug!r}{values.likely(slug, known[key])}"
                    document.fault((*place, key, index), reason)


def _known(rules: tag.Rules | None) -> dict[str, list[str]]:
    rules = rules or themes.shipped_rules()
    return {
        "beats": [label.slug for label in rules.beats],
        "themes": [label.slug for label in rules.themes],
    }


def judge_searches(document: TomlDocument, rules: tag.Rules | None) -> None:
    """Check the names of saved searches, and that the themes they name exist."""
    seen = set[str]()
    for place, name, table in tables.named(document, SavedSearch.TABLE):
        if isinstance(table, dict):
            if not name.strip():
                document.fault(place, "needs a name")
            elif name.casefold() in seen:  # their pages would be one file on a Mac or under Windows
                document.fault(place, "differs from another only in capital letters")
            seen.add(name.casefold())
            theme = table.get("theme", "")
            if isinstance(theme, str) and theme and theme not in (known := _known(rules)["themes"]):
                reason = f"there is no {theme!r}{values.likely(theme, known)}"
                document.fault((*place, "theme"), reason)


def address(written: str) -> str:
    """Return what two spellings of one mailbox have in common."""
    return address_spec(written).casefold()


def _named(document: TomlDocument, *place: str) -> Iterator[tuple[int, str]]:
    """Yield the names of a list with their places, as they stand in the file."""
    names: Any = document.data
    for key in place:
        names = names.get(key, []) if isinstance(names, dict) else []
    # What is no list of texts is a fault that is reported already.
    if isinstance(names, list):
        yield from ((index, name) for index, name in enumerate(names) if isinstance(name, str))
