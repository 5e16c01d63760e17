"""The model of titles: what it takes, how it is tried, and when it says nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from classifier.learn import learn_work_types
from classifier.thresholds import LearningThresholds
from classifier.title_model import Title, learn
from domain.outcomes import KindOfWork, WorkType, WorkTypeSource
from store.engine import Database
from store.learned import TitleModel, learned_kinds, title_model
from store.work import apply as write
from tests.store.working import REPO, at, change

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SMALL = LearningThresholds(titles=60, titles_of_a_kind=10)
WORDS = {
    WorkType.BUG: ("crash on", "wrong total of", "null pointer in", "broken layout of"),
    WorkType.FEATURE: ("support for", "allow users to pick", "add a page for", "introduce"),
    WorkType.DOCS: ("explain", "guide to", "readme section on", "document"),
}
THINGS = ("the cart", "refunds", "invoices", "the search", "logins", "the basket", "coupons")


def title(kind: WorkType, chance: Random) -> str:
    return f"{chance.choice(WORDS[kind])} {chance.choice(THINGS)} {chance.randrange(99)}"


def titles(count: int, seed: int = 7) -> list[Title]:
    chance = Random(seed)
    kinds = [chance.choice(list(WORDS)) for _ in range(count)]
    return [Title(title(kind, chance), kind) for kind in kinds]


def test_it_knows_again_what_it_has_learned() -> None:
    model, answers = learn(
        titles(200), ["crash on logins", "guide to coupons", "zzz qqq"], SMALL, NOW
    )
    assert (model.trained_at, model.labelled, model.refused) == (NOW, 200, "")
    assert model.accuracy is not None
    assert model.accuracy > 0.95
    assert model.baseline is not None
    assert model.baseline < 0.5
    kinds = [answer.work_type if answer else None for answer in answers]
    assert kinds == [WorkType.BUG, WorkType.DOCS, None]
    assert all(answer.source is WorkTypeSource.MODEL for answer in answers if answer)
    assert all(answer.confidence >= SMALL.title_confidence for answer in answers if answer)


def test_what_a_prefix_tells_is_not_what_it_learns() -> None:
    prefix = {WorkType.BUG: "fix: ", WorkType.FEATURE: "feat: ", WorkType.DOCS: "docs: "}
    told = [Title(prefix[each.work_type] + each.title, each.work_type) for each in titles(200)]
    _, [answer] = learn(told, ["crash on logins"], SMALL, NOW)
    assert answer is not None
    assert answer.work_type is WorkType.BUG


def test_too_little_to_learn_from_is_refused() -> None:
    assert learn(titles(59), ["crash on logins"], SMALL, NOW) == (
        TitleModel(
            trained_at=NOW,
            labelled=59,
            accuracy=None,
            baseline=None,
            answered=None,
            refused="only 59 changes tell what kind of work they are, of 60",
        ),
        [None],
    )


def test_one_kind_of_work_is_nothing_to_tell_apart() -> None:
    one = [replace(each, work_type=WorkType.BUG) for each in titles(80)]
    model, answers = learn(one, ["crash on logins"], SMALL, NOW)
    assert model.refused == "fewer than two kinds of work have 10 changes or more"
    assert answers == [None]


def test_a_model_that_knows_no_better_is_refused() -> None:
    chance = Random(1)
    random = [replace(each, work_type=chance.choice(list(WORDS))) for each in titles(200)]
    eager = replace(SMALL, title_confidence=0.0)
    model, answers = learn(random, ["crash on logins"], eager, NOW)
    assert model.answered == 1.0
    assert "too little" in model.refused
    assert answers == [None]


def test_titles_of_another_time_count_against_it() -> None:
    """A shuffled trial would not notice that the words have changed."""
    new = [Title(each.title[::-1], each.work_type) for each in titles(100, seed=3)]
    later, _ = learn([*titles(100), *new], [], replace(SMALL, title_confidence=0.0), NOW)
    mixed = [*titles(100), *new]
    Random(5).shuffle(mixed)
    shuffled, _ = learn(mixed, [], replace(SMALL, title_confidence=0.0), NOW)
    assert later.accuracy is not None
    assert shuffled.accuracy is not None
    assert later.accuracy < shuffled.accuracy


@pytest.mark.parametrize("labels", [("bug",), None])
def test_it_learns_from_those_that_tell_and_answers_for_the_others(
    database: Database, labels: tuple[str, ...] | None
) -> None:
    names = {WorkType.BUG: "bug", WorkType.FEATURE: "feature", WorkType.DOCS: "docs"}
    story = [
        change(number, number, title=each.title, labels=(names[each.work_type],))
        for number, each in enumerate(titles(80), start=1)
    ]
    asked = change(200, 200, title="crash on logins", head_ref="x", labels=labels)
    with database.writing() as connection:
        write(connection, [*story, asked])
    model = learn_work_types(database, SMALL, NOW)
    with database.reading() as connection:
        assert title_model(connection) == model
        kinds = learned_kinds(connection, [(REPO.name, 1), (REPO.name, 200)])
    assert model is not None
    assert model.labelled == (81 if labels else 80)
    if labels:
        assert kinds == {}
        return
    [(of, kind)] = kinds.items()
    assert (of, kind.work_type) == ((REPO.name, 200), WorkType.BUG)


def test_an_answer_is_to_a_title_and_the_next_training_forgets_it(database: Database) -> None:
    told = [
        change(number, number, title=each.title, labels=(each.work_type.value,))
        for number, each in enumerate(titles(80), start=1)
    ]
    with database.writing() as connection:
        write(connection, [*told, change(200, 200, title="crash on logins", head_ref="x")])
    learn_work_types(database, SMALL, NOW)

    def kinds() -> dict[tuple[str, int], KindOfWork]:
        with database.reading() as connection:
            return learned_kinds(connection, [(REPO.name, 200)])

    assert kinds().keys() == {(REPO.name, 200)}
    with database.writing() as connection:
        write(connection, [change(200, 300, title="guide to logins", head_ref="x")])
    assert kinds() == {}
    learn_work_types(database, SMALL, at(1))
    assert kinds()[REPO.name, 200].work_type is WorkType.DOCS
    learn_work_types(database, LearningThresholds(), at(2))
    assert kinds() == {}
