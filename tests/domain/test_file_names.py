"""Paths as tools and forges spell them: compared by how they end, told by keyed hashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.paths import DEEPEST, endings
from domain.pseudonym import Pseudonyms, components_shared
from tests.capturing import PSEUDONYMS

NAMES = st.text(
    st.characters(exclude_characters="/\\\n\0", exclude_categories=["Cs"]), min_size=1
).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=9)


def name(path: str) -> str:
    told = PSEUDONYMS.file(path)
    assert told is not None
    return told


def shared(one: str, other: str) -> int:
    return components_shared(name(one), name(other))


def test_endings_of_a_path() -> None:
    assert endings("/a/b/c.py") == ["c.py", "b/c.py", "a/b/c.py"]
    assert endings("1/2/3/4/5/6/7/8") == [
        "8",
        "7/8",
        "6/7/8",
        "5/6/7/8",
        "4/5/6/7/8",
        "3/4/5/6/7/8",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "src/app.py",
        "./src/app.py",
        "/src/app.py",
        "src//app.py",
        "src/./app.py",
        "src/old/../app.py",
        "../src/app.py",
        "src\\app.py",
        ".\\src\\app.py",
    ],
)
def test_spellings_of_one_path(path: str) -> None:
    assert name(path) == name("src/app.py")


@pytest.mark.parametrize("path", ["", "/", ".", "..", "a\nb", "x" * 5000])
def test_no_path(path: str) -> None:
    assert PSEUDONYMS.file(path) is None


@pytest.mark.parametrize(
    ("told", "forge", "wanted"),
    [
        ("/srv/ada/shop/src/app.py", "src/app.py", 2),
        ("C:\\work\\shop\\src\\app.py", "src/app.py", 2),
        # Told from a folder inside the repository.
        ("app.py", "src/app.py", 1),
        ("/srv/ada/shop/README.md", "README.md", 1),
        ("/srv/ada/shop/src/app.py", "lib/app.py", 0),
        ("/srv/ada/shop/src/App.py", "src/app.py", 0),
        ("/srv/ada/shop/src/application.py", "app.py", 0),
        ("/w/java/src/main/java/com/acme/pay/A.java", "src/main/java/com/acme/pay/A.java", 6),
        ("/w/java/src/main/java/com/acme/pay/A.java", "src/test/java/com/acme/pay/A.java", 0),
        # The same letters, composed or not.
        ("/w/cafe\u0301.py", "caf\u00e9.py", 1),
    ],
)
def test_a_told_path_meets_that_of_the_forge(told: str, forge: str, wanted: int) -> None:
    assert shared(told, forge) == shared(forge, told) == wanted


def test_names_tell_nothing_without_the_key() -> None:
    other = Pseudonyms(b"another key 1234")
    assert other.file("src/app.py") != name("src/app.py")
    assert "app" not in name("src/app.py")
    assert len(name("/".join("abcdefgh"))) == 2 + 8 * DEEPEST


@given(PATHS, PATHS)
def test_a_path_below_another_root_shares_all_its_components(
    root: list[str], path: list[str]
) -> None:
    below, own = "/" + "/".join([*root, *path]), "/".join(path)
    # Composing letters may make a name of nothing else than dots and separators no more.
    assert shared(below, own) == min(len(endings(own)), DEEPEST)


@given(st.text())
def test_anything_may_come(path: str) -> None:
    told = PSEUDONYMS.file(path)
    assert (told is None) == (not endings(path))
