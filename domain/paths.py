r"""File paths as far as a tool and a forge can spell them alike.

A tool tells ``/srv/ada/shop/src/app.py`` or ``C:\shop\src\app.py`` or ``src/app.py``; a forge
tells ``src/app.py``, from the root of the repository. What they share is how the path ends.
"""

from unicodedata import normalize

# Most repositories are less deep, and six names in a row are hardly ever the same by chance.
DEEPEST = 6
# The longest path that operating systems allow; anything beyond is no path.
_LONGEST = 4096


def endings(path: str) -> list[str]:
    """How a path ends, by one component, by two, and so on up to six; empty where it is no path.

    Both separators mean the same, ``.`` and ``..`` are worked out, and case counts, as it does in
    a repository. Accented letters are composed, as Git keeps them.
    """
    if len(path) > _LONGEST or "\n" in path:
        return []
    found: list[str] = []
    for name in normalize("NFC", path).replace("\\", "/").split("/"):
        if name == "..":
            del found[-1:]
        elif name not in ("", "."):
            found.append(name)
    last = found[-DEEPEST:]
    return ["/".join(last[start:]) for start in reversed(range(len(last)))]
