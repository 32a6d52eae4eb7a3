"""The reading page: the archive as it stands now, in a browser on this machine, with buttons that correct it.

    guard     requests of the page itself are let in, and no others
    app       addresses -> what is shown or done there; the server
    desk      what every page has: words, notices, what forms carry
    pages     what the store tells now -> HTML, by the archive's own pages
    actions   a form -> a correction, by the functions that `mark` and `stories` call

No page needs JavaScript. Each request opens the store anew, so that it runs beside the service and commands.
"""

from monitor.web.app import Access, listen, serve, server

__all__ = ["Access", "listen", "serve", "server"]
