"""Settings for all tests: the same random draws in every run, so that a failure comes from the change under
test.

`HUNT=1` draws new examples in each run, and many more of them, to find faults that nobody thought of.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("hunt", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile("hunt" if os.environ.get("HUNT") else "suite")
