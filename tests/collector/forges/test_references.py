"""What texts refer to, and what only looks like a reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import references
from domain.work import SessionTrailer

REPOSITORY = "acme/pay"
SHA = "0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c"


@pytest.mark.parametrize(
    ("message", "sessions"),
    [
        (
            "Fix refunds\n\nAgent-Session: claude-code/0b1f-77\n",
            [SessionTrailer(tool="claude-code", session_id="0b1f-77")],
        ),
        (
            # A squash merge: trailers in the middle, Windows line ends, keys in any case.
            "Refunds (#8)\r\n\r\n* one\r\n\r\nagent-session: Codex/s-1\r\n\r\n* two\r\n\r\n"
            "AGENT-SESSION : claude-code/a/b  \r\nAgent-Session: codex/s-1\r\n"
            "Co-authored-by: Somebody <somebody@example.com>",
            [
                SessionTrailer(tool="codex", session_id="s-1"),
                SessionTrailer(tool="claude-code", session_id="a/b"),
            ],
        ),
        ("Read the Agent-Session: claude-code/1 trailer", []),
        ("Agent-Session: claude-code", []),
        ("Agent-Session: claude-code/", []),
        ("Agent-Session: claude code/1", []),
        ("Agent-Session: claude-code/1 2", []),
        (f"Agent-Session: claude-code/{'x' * 201}", []),
        ("", []),
    ],
)
def test_a_trailer_names_the_session(message: str, sessions: list[SessionTrailer]) -> None:
    assert references.named_sessions(message) == tuple(sessions)


@pytest.mark.parametrize(
    ("message", "shas"),
    [
        (f'Revert "Refunds"\n\nThis reverts commit {SHA}.\n', [SHA]),
        (f"Revert\n\nThis reverts commit {SHA}, reversing\nchanges made to abcdef1.", [SHA]),
        (f"x\n\nThis reverts commit\n{SHA.upper()}.", [SHA]),
        ("x\n\n* this reverts commit 0d1a26e and\nThis reverts commit 0d1a26e", ["0d1a26e"]),
        ("x\n\nThis reverts commit 0d1a26.", []),
        (f"x\n\nThis reverts commit {SHA}0.", []),
        (f'Reland "Refunds"\n\n> This reverts commit {SHA}.', []),
        ("This reverts commitments 0d1a26e", []),
        ('Revert "Refunds"', []),
    ],
)
def test_a_message_says_which_commits_it_reverts(message: str, shas: list[str]) -> None:
    assert references.reverted_commits(message) == tuple(shas)


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ("Reverts acme/pay#7", [7]),
        ("Reverts Acme/Pay#7\r\n\r\nIt broke.", [7]),
        ("Reverts #7", [7]),
        ("It broke.\n\n- this reverts PR #7.\n- Reverts #8", [7, 8]),
        ("Reverts https://github.com/acme/pay/pull/7", [7]),
        # Another repository's change, a part of one, an issue, a quotation, a template's comment.
        ("Reverts acme/web#7", []),
        ("Reverts https://github.com/acme/web/pull/7", []),
        ("Reverts https://github.com/acme/pay/issues/7", []),
        ("Partially reverts #7", []),
        ("> Reverts #7", []),
        ("<!-- \nReverts #7\n-->\n`Reverts #8`\n```\nReverts #9\n```", []),
        ("Reverts #7a", []),
        ("Reverts 7", []),
        ("Reverts #0", []),
    ],
)
def test_a_change_says_which_changes_it_reverts(body: str, numbers: list[int]) -> None:
    assert references.reverted_changes(body, REPOSITORY) == tuple(numbers)


@pytest.mark.parametrize(
    "keyword",
    ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"],
)
@pytest.mark.parametrize("separator", [" ", ": ", ":"])
@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("#7", "#7"),
        ("Acme/Pay#7", "#7"),
        ("https://github.com/acme/pay/issues/7", "#7"),
        ("Acme/web.site#7", "acme/web.site#7"),
        ("https://github.example.com/acme/web/issues/7#note", "acme/web#7"),
    ],
)
def test_nine_keywords_close_issues(keyword: str, separator: str, spelling: str, key: str) -> None:
    for spelled in (keyword, keyword.upper(), keyword.title()):
        text = f"Refunds. {spelled}{separator}{spelling}, and more"
        assert references.closed_issues(text, REPOSITORY) == (key,)


@pytest.mark.parametrize(
    "text",
    [
        "Fixes the typo from #7",
        "prefixes #7",
        "un-fix #7",
        "fixing #7",
        "fix#7",
        "fix\n#7",
        "Fixes #7th",
        "Fixes #07",
        "Fixes 7",
        "Fixes https://github.com/acme/pay/pull/7",
        "Refunds (#7)",
    ],
)
def test_nothing_else_closes_an_issue(text: str) -> None:
    assert references.closed_issues(text, REPOSITORY) == ()


def test_each_issue_is_named_once_in_the_order_found() -> None:
    text = "Fixes #9, closes #7, resolves acme/pay#9, #8"
    assert references.closed_issues(text, REPOSITORY) == ("#9", "#7")


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ("<!-- Fixes #1 -->Closes #2", ["#2"]),
        ("Closes #2 <!-- Fixes #1", ["#2", "#1"]),
        ("<!-- a --> Closes #2 <!-- b\nFixes #1 -->\nfixes #3", ["#2", "#3"]),
        ("Write `Fixes #1`. Fixes #2", ["#2"]),
        ("~~~\nFixes #1\n```\n~~~\nFixes #2", ["#2"]),
        ("````\n```\nFixes #1\n````\nFixes #2", ["#2"]),
        ("> Fixes #1\n\nFixes #2", ["#2"]),
        ("", []),
    ],
)
def test_comments_code_and_quotations_of_a_body_close_nothing(body: str, keys: list[str]) -> None:
    assert references.closed_by_change(body, REPOSITORY) == tuple(keys)


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ("Closes PAY-12.", ["PAY-12"]),
        ("fixes: SHOP-4 and resolves #7", ["#7", "SHOP-4"]),
        ("See PAY-12, which this does not fix", []),
        ("Follow-up to PAY-12", []),
        ("closes pay-12", []),
        ("Fixes SHA-256 and closes PAY-1.2", []),
        ("<!-- Closes PAY-1 --> `Closes PAY-2`", []),
        ("encloses PAY-3", []),
    ],
)
def test_a_body_names_the_ticket_that_it_closes(body: str, keys: list[str]) -> None:
    assert references.closed_by_change(body, REPOSITORY) == tuple(keys)


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("PAY-7: refunds", ["PAY-7"]),
        ("[PAY-7] refunds", ["PAY-7"]),
        ("feat(PAY-7): refunds", ["PAY-7"]),
        ("Refunds PAY-7.", ["PAY-7"]),
        ("PAY-7, PAY_X-12 and PAY-7", ["PAY-7", "PAY_X-12"]),
        ("Read UTF-8, SHA-256, ISO-8601, RFC-9110, GPT-5 and AES-128", []),
        ("CVE-2021-44228", []),
        ("TLS-1.3 and V2-1.5", []),
        ("GH-7 PR-7", []),
        ("pay-7, P-7, PAY-0, PAY-7x, xPAY-7, PAY-7-8, /PAY-7", []),
        ("PAY-12345678", []),
    ],
)
def test_tickets_in_a_title(title: str, keys: list[str]) -> None:
    assert references.ticket_keys(title) == tuple(keys)


@pytest.mark.parametrize(
    ("branch", "keys"),
    [
        ("PAY-7", ["PAY-7"]),
        ("feature/PAY-7-refunds", ["PAY-7"]),
        ("fix-PAY-7_refunds", ["PAY-7"]),
        ("revert-12-PAY-7", ["PAY-7"]),
        ("PAY-7-WEB-8", ["PAY-7", "WEB-8"]),
        ("pay-7-refunds", []),
        ("FIX-THE-BUG-2", []),
        ("fix-UTF-8", []),
        ("release/V2-1.5", []),
        ("PAY-7x", []),
        ("main", []),
    ],
)
def test_tickets_in_a_branch_name(branch: str, keys: list[str]) -> None:
    assert references.branch_ticket_keys(branch) == tuple(keys)


PIECES = st.sampled_from(
    [
        *(
            "Fixes #7",
            "PAY-7",
            "Agent-Session: t/1",
            "\nThis reverts commit 0d1a26e",
            "\nReverts #7",
        ),
        *(
            "<!--",
            "-->",
            "`",
            "```",
            "~~~",
            "\n",
            "\r\n",
            " ",
            "> ",
            "#",
            "/",
            "fix ",
            "https://h/",
        ),
    ]
)


@given(st.lists(PIECES | st.text(max_size=9)).map("".join))
def test_any_text_can_be_read_and_gives_each_reference_once(text: str) -> None:
    shas = references.reverted_commits(text)
    assert all(sha in text.lower() for sha in shas)
    found: list[tuple[object, ...]] = [
        shas,
        references.named_sessions(text),
        references.reverted_changes(text, REPOSITORY),
        references.closed_issues(text, REPOSITORY),
        references.closed_by_change(text, REPOSITORY),
        references.ticket_keys(text),
        references.branch_ticket_keys(text),
    ]
    assert [len(set(each)) for each in found] == [len(each) for each in found]


@pytest.mark.parametrize(
    "piece",
    [
        *("<!--", "`", "```", " ", "\t", "\n", "a/", "A", "A-", "A_", "https://", "fix: https://h"),
        *("fix ", "fix " + "a" * 90, "Reverts ", "This reverts commit "),
        *("This PR is ", "closing this in favour of ", "- ", ". "),
        *("Agent-Session:", "Agent-Session: a"),
    ],
)
def test_long_hostile_texts_are_read_in_linear_time(piece: str) -> None:
    # Milliseconds each; a pattern that is quadratic in the length would not come back.
    text = piece * (1_000_000 // len(piece))
    assert references.named_sessions(text) == ()
    assert references.reverted_commits(text) == ()
    assert references.reverted_changes(text, REPOSITORY) == ()
    assert references.superseding_changes(text, REPOSITORY) == ()
    assert references.closed_by_change(text, REPOSITORY) == ()
    assert references.ticket_keys(text) == ()
    assert references.branch_ticket_keys(text) == ()


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ("Superseded by #7", (7,)),
        ("superceded by: #7, thanks", (7,)),
        ("Closing in favour of acme/web#7.", (7,)),
        ("In favor of https://github.com/acme/web/pull/7", (7,)),
        ("Replaced with PR #7. Duplicate of #8", (7, 8)),
        ("Thanks!\n- This PR is a duplicate of #7", (7,)),
        ("We closed this in favour of #7", (7,)),
        ("Closed as superseded by #7", (7,)),
        ("This has been superseded by #7", (7,)),
        ("Fixes #120, which is a duplicate of #98.", ()),
        ("The cache was replaced by #7", ()),
        ("Drops the old cache in favour of #7", ()),
        ("Fixes #120 (superseded by #98)", ()),
        ("Superseded by !7", (7,)),
        ("Superseded by other/web#7", ()),
        ("It supersedes #7", ()),
        ("> Superseded by #7", ()),
        ("`superseded by #7`", ()),
        ("superseded by #7th", ()),
    ],
)
def test_what_took_the_place_of_a_change(body: str, numbers: tuple[int, ...]) -> None:
    assert references.superseding_changes(body, "acme/web") == numbers
