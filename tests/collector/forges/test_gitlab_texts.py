"""GitLab's own words in texts: what closes, what reverts, what takes another's place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import gitlab_texts

REPO = "group/sub/project"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Closes #4", ("#4",)),
        ("closing: #4", ("#4",)),
        ("Fixing issue #4", ("#4",)),
        ("Implements #4", ("#4",)),
        # Several by one word, as GitLab's own documentation has it.
        (
            "Closes #4, #6, and group/sub/project#7 and other#9, group/x#2",
            ("#4", "#6", "#7", "group/sub/other#9", "group/x#2"),
        ),
        ("Resolves #4 and fixes #5", ("#4", "#5")),
        (
            "Closes https://gitlab.example.com/Group/Sub/Project/-/issues/4 and "
            "https://gitlab.example.com/group/x/-/work_items/5",
            ("#4", "group/x#5"),
        ),
        ("Closes #4 #4", ("#4",)),
        ("Related to #4", ()),
        ("discloses #4", ()),
        ("Closes !4", ()),
        ("Closes #4a, #05", ()),
        ("Closes the issue of #4", ()),
        ("Closes\n#4", ()),
    ],
)
def test_closing_words(text: str, found: tuple[str, ...]) -> None:
    assert gitlab_texts.closed_issues(text, REPO) == found


def test_a_template_that_explains_closing_closes_nothing() -> None:
    description = "<!-- write Closes #1 -->\n> Closes #2\n```\nCloses #3\n```\nCloses #4"
    assert gitlab_texts.closed_by_change(description, REPO) == ("#4",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("This reverts merge request !7", (7,)),
        ('Revert "x"\n\nThis reverts merge request group/sub/project!7', (7,)),
        ("Reverts !7", (7,)),
        ("Reverts https://git.example.com/group/sub/project/-/merge_requests/7", (7,)),
        ("This reverts merge request group/other!7", ()),
        ("It partially reverts !7", ()),
        ("This reverts commit 78a76ee6b4992a6baf64c59fc4c44c7323d60438", ()),
    ],
)
def test_reverted_merge_requests(text: str, found: tuple[int, ...]) -> None:
    assert gitlab_texts.reverted_merge_requests(text, REPO) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Superseded by !7.", (7,)),
        ("superceded with group/sub/project!7", (7,)),
        ("Closing in favour of !7", (7,)),
        ("Duplicate of: !7", (7,)),
        ("Replaced by https://git.example.com/group/sub/project/-/merge_requests/7", (7,)),
        ("replaced by group/other!7", ()),
        ("replaced by #7", ()),
        ("Closes #3, which was replaced by !7", ()),
        ("> superseded by !7", ()),
    ],
)
def test_superseding_merge_requests(text: str, found: tuple[int, ...]) -> None:
    assert gitlab_texts.superseding_merge_requests(text, REPO) == found


@pytest.mark.parametrize(
    ("branch", "sha"),
    [
        ("revert-78a76ee6", "78a76ee6"),
        ("revert-78a76ee6-2", "78a76ee6"),
        ("revert-78a76ee", None),
        ("revert-78a76ee6b4", None),
        ("revert-the-cat", None),
    ],
)
def test_the_branch_of_the_revert_button(branch: str, sha: str | None) -> None:
    assert gitlab_texts.reverted_by_branch(branch) == sha


@given(st.text(), st.text())
def test_any_text_can_be_read(text: str, branch: str) -> None:
    gitlab_texts.closed_by_change(text, REPO)
    gitlab_texts.reverted_merge_requests(text, REPO)
    gitlab_texts.superseding_merge_requests(text, REPO)
    gitlab_texts.reverted_by_branch(branch)


@pytest.mark.parametrize("part", ["Closes #1, ", "Closes a/", "a/b/c/", "Reverts ", "close "])
def test_long_texts_are_read_in_time_linear_to_them(part: str) -> None:
    # Quadratic would be minutes: the suite's own limit of time ends it.
    text = part * 40_000
    found = gitlab_texts.closed_by_change(text, REPO)
    assert found == (("#1",) if "#1" in part else ())
    assert gitlab_texts.reverted_merge_requests(text, REPO) == ()
