"""Who a record speaks for: the tag of an evaluation."""

from collections.abc import Mapping

import pytest

from collector.sender import SENDER, sender_of
from domain.events import Trace
from domain.record import Scope, Value
from tests.capturing import PSEUDONYMS

RESOURCE = {"assay.evaluation": "ab12", "assay.route": "codex-gpt-5", "assay.task": "7"}


def tags(resource: Mapping[str, Value], attributes: Mapping[str, Value] | None = None) -> list[str]:
    sender = sender_of(attributes or {}, Scope("", "", resource), None, PSEUDONYMS)
    return [each.value for each in sender.traces if each.trace is Trace.EVALUATION]


def test_a_session_says_which_task_of_which_evaluation_it_does() -> None:
    assert tags(RESOURCE) == ["ab12/codex-gpt-5/7"]
    assert tags({**RESOURCE, "assay.task": 7}) == ["ab12/codex-gpt-5/7"]
    assert tags(RESOURCE, {"assay.route": "other"}) == ["ab12/other/7"]
    assert {*RESOURCE} <= set(SENDER)


@pytest.mark.parametrize("missing", RESOURCE)
def test_all_three_parts_are_needed(missing: str) -> None:
    assert tags({name: value for name, value in RESOURCE.items() if name != missing}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("assay.evaluation", "x" * 17),
        ("assay.evaluation", "AB/12"),
        ("assay.route", "x" * 65),
        ("assay.route", "a private sentence"),
        ("assay.route", "ada@example.com"),
        ("assay.route", "/Users/ada"),
        ("assay.task", "seven"),
        ("assay.task", "-7"),
        ("assay.task", "12345"),
    ],
)
def test_what_does_not_look_like_our_own_words_is_not_kept(name: str, value: str) -> None:
    assert tags({**RESOURCE, name: value}) == []


def test_the_tag_makes_no_other_installation() -> None:
    scopes = [
        Scope("", "", {"user.email": "a@b.c"}),
        Scope("", "", {"user.email": "a@b.c", **RESOURCE}),
    ]
    one, other = (sender_of({}, scope, None, PSEUDONYMS).installation for scope in scopes)
    assert one == other
