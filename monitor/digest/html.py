"""A page as HTML that is an email's body and a file at once: no script, no image, nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from monitor import text

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from monitor.digest.page import View


def render(page: View) -> str:
    """Return the page as HTML with its styles inlined, as mail programs need it."""
    import css_inline

    inliner = css_inline.CSSInliner(
        # The library fetches style sheets by default. The tags stay for what cannot be inlined: dark mode and
        # phones.
        load_remote_stylesheets=False,
        keep_style_tags=True,
        remove_inlined_selectors=True,
        minify_css=True,
    )
    return str(inliner.inline(fill("digest.html", page=page))).rstrip() + "\n"


def fill(template: str, **values: Any) -> str:
    """Return one of the package's templates filled; every text is cleaned and escaped."""
    return environment("monitor.digest").get_template(template).render(**values)


@cache
def environment(*packages: str) -> Environment:
    """Return what fills the templates of packages; a template is looked for in the first of them first.

    By the name of its package as a folder one can be extended that another of the same name stands in for.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined

    loaders = {package: PackageLoader(package) for package in packages}
    made = Environment(
        loader=ChoiceLoader([*loaders.values(), PrefixLoader(loaders)]),
        # `select_autoescape` goes by file names, and leaves "digest.html.j2" unescaped.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_clean,
    )
    made.filters["commands"] = _commands
    return made


def _clean(value: Any) -> Any:
    # `type`, not isinstance: Markup is a string that was escaped already.
    return text.clean(value) if type(value) is str else value


def _commands(words: str) -> Markup:
    """Set what stands in `backticks`, which are for terminals, as a command."""
    from markupsafe import Markup, escape

    parts = (escape(part) for part in text.clean(words).split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts)
    )
