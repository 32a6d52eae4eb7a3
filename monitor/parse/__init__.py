"""Turn responses into documents: feeds of every format, read in a process that can be killed.

Other packages use `worker.Parser`. feedparser is imported only here. This file imports nothing: the reading
process would load what only its parent needs (asyncio takes 50 ms and 10 MB), and a command that only loads
the configuration would load the parsers.
"""
