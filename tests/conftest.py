"""What all tests share: the same draws in every run, so that a failure says something of the change under test.

`HUNT=1` draws anew at each run, and far more often: that is how faults are found which nobody thought of.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("hunt", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile("hunt" if os.environ.get("HUNT") else "suite")
