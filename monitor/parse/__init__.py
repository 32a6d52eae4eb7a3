"""Responses to documents: feeds of every form, read where reading can be killed. feedparser lives here.

`worker.Parser` is what others use. Nothing is imported here: the reading process would load what only its
parent needs (asyncio: 50 ms and 10 MB), and who only loads a configuration what only reading does.
"""
