"""The reading page: the archive as it stands now, in a browser on this machine, with buttons to correct it.

    guard     lets in requests of the page itself, and no others
    app       addresses -> what is shown or done there; the server
    desk      what every page needs: words, notices, what forms carry
    pages     what the store says now -> HTML, using the archive's own pages
    actions   a form -> a correction, using the functions that `mark` and `stories` call

No page needs JavaScript. Each request opens the store again, so the page can run beside the service and
commands.
"""

from monitor.web.app import Access, listen, serve, server

__all__ = ["Access", "listen", "serve", "server"]
