"""Which requests are let in, and what each answer tells the browser. Pure.

The page has no log-in, because it listens on this machine alone. What must be kept out are other pages that
are open in the same browser. They can send requests here, even under a name of their own that leads to
127.0.0.1 (DNS rebinding). But they cannot choose the headers `Host`, `Origin` and `Sec-Fetch-Site`, nor read
the token that our forms carry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST: Final = "127.0.0.1"
"""The only address it listens on: on a network, anybody could use the page."""
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Connection": "close",  # one request each, and so one time limit each
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with "no-referrer" a browser's forms say `Origin: null`
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def refusal(method: str, headers: Mapping[str, str], port: int) -> str:
    """Say why a request is refused, "" when it is let in; names of headers are in lower case."""
    at = "" if port == 80 else f":{port}"  # noqa: PLR2004 - of HTTP, which browsers leave out
    names = {f"{host}{at}" for host in (HOST, "localhost")}
    host = headers.get("host", "").lower()
    if host not in names:
        return "this page answers to its own address alone"
    site = headers.get("sec-fetch-site", "none")
    if method in {"GET", "HEAD"}:
        # A link in a mail may lead here; another page's picture or script may not.
        is_link = headers.get("sec-fetch-mode", "navigate") == "navigate"
        return "" if is_link or site in {"none", "same-origin"} else "another page asks"
    if headers.get("origin") != f"http://{host}" or site not in {"none", "same-origin"}:
        return "another page asks for a change"
    return ""
