"""What the image needs of ``constraints.txt``: the run-time packages alone, each with its hashes.

Run while the image is built, in an environment that has all of ``constraints.txt``. What runs is
then what the tests ran with, without the tests' own packages.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def pinned() -> dict[str, str]:
    """Each package's lines in ``constraints.txt``, by its name; some differ by Python's version."""
    blocks = re.split(r"\n(?=[a-z0-9A-Z])", (ROOT / "constraints.txt").read_text())
    lines: dict[str, str] = {}
    for block in blocks:
        told = [line for line in block.splitlines() if line and not line.lstrip().startswith("#")]
        if told and "==" in told[0]:
            name = canonicalize_name(told[0].partition("==")[0])
            lines[name] = "\n".join([*filter(None, [lines.get(name)]), *told])
    return lines


def wanted() -> list[str]:
    """What the image is made of, by name, in order."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    open_ends = [Requirement(each) for each in project["dependencies"]]
    found: set[str] = set()
    while open_ends:
        each = open_ends.pop()
        name = canonicalize_name(each.name)
        extras = each.extras or {""}
        if each.marker is not None and not any(each.marker.evaluate({"extra": e}) for e in extras):
            continue
        if name in found and not each.extras:
            continue
        found.add(name)
        open_ends += _of(name, extras)
    return sorted(found)


def _of(name: str, extras: set[str]) -> Iterator[Requirement]:
    try:
        told = requires(name) or []
    except PackageNotFoundError:
        return
    for line in told:
        each = Requirement(line)
        if each.marker is None or any(each.marker.evaluate({"extra": e}) for e in {*extras, ""}):
            # What the marker asked of the extra is answered.
            each.marker = None
            yield each


def main() -> None:
    """Print the file."""
    lines = pinned()
    for name in wanted():
        if name not in lines:
            sys.exit(f"constraints.txt has no {name}: make it anew")
        print(lines[name])


if __name__ == "__main__":
    main()
