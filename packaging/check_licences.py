"""Checks whether the licences of the packages that monitor needs, as far as installed, go with MIT.

python packaging/check_licences.py     in the environment that it is installed in; exit 1 with a line each
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

GOOD = re.compile(
    r"\b(MIT|0?BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|Unlicense|Public Domain|CC0|zlib)\b",
    re.IGNORECASE,
)


def licence_of(package: Distribution) -> str:
    """Return what a package says of its licence: expression, classifiers, field."""
    data = package.metadata
    said = [
        data.get("License-Expression", ""),
        *(c for c in data.get_all("Classifier", []) if "License ::" in c),
    ]
    said.append((data.get("License", "") or "").strip().partition("\n")[0])
    return "; ".join(filter(None, said))


def needed(root: str, seen: set[str] | None = None) -> set[str]:
    """Return the names of what a package needs, as far as it is installed."""
    seen = set() if seen is None else seen
    try:
        requirements = distribution(root).requires or []
    except PackageNotFoundError:
        return seen
    for requirement in requirements:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()
        if name not in seen:
            seen.add(name)
            needed(name, seen)
    return seen


def main() -> int:
    """Check, print and return the exit code."""
    wrong = []
    names = sorted(needed("sora-monitor"))
    installed = 0
    for name in names:
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        installed += 1
        said = licence_of(package)
        if not GOOD.search(said):
            wrong.append(f"{name} {package.version}: {said or 'says nothing'}")
    for line in wrong:
        print(line)
    print(f"{installed} packages, {len(wrong)} to look at")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
