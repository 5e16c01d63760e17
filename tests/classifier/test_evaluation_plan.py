from collections import Counter
from datetime import UTC, datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from classifier.evaluation_plan import draw
from domain.evaluations import Task

AT = datetime(2026, 5, 4, tzinfo=UTC)


def task(change: int, work_type: str | None, size: str | None, repo: str) -> Task:
    return Task(
        number=0,
        repo=repo,
        change=change,
        title="",
        work_type=work_type,
        size=size,
        lines=None,
        files=None,
        base_sha=None,
        merge_sha=None,
        landed_at=AT,
        survives=True,
        review_rounds=0,
        cost_nanousd=None,
    )


POPULATION = st.lists(
    st.builds(
        task,
        st.integers(1, 10_000),
        st.sampled_from(["bug", "feature", None]),
        st.sampled_from(["small", "large", None]),
        st.sampled_from(["acme/shop", "acme/web"]),
    ),
    max_size=200,
    unique_by=lambda each: (each.repo, each.change),
)


@given(POPULATION, st.integers(20, 50), st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_each_kind_of_work_has_its_part(
    population: list[Task], number: int, seed: int, random: Random
) -> None:
    drawn = draw(population, number, seed)
    assert [each.number for each in drawn] == list(range(1, min(number, len(population)) + 1))
    keys = {(each.repo, each.change) for each in drawn}
    assert len(keys) == len(drawn)
    assert keys <= {(each.repo, each.change) for each in population}
    assert draw(random.sample(population, len(population)), number, seed) == drawn
    if len(population) > number:
        whole = Counter(each.work_type for each in population)
        got = Counter(each.work_type for each in drawn)
        for kind, count in whole.items():
            assert abs(got[kind] - number * count / len(population)) < 1


def test_another_seed_draws_others() -> None:
    population = [task(n, "bug", "small", "acme/shop") for n in range(500)]
    assert draw(population, 30, 1) != draw(population, 30, 2)


def test_every_change_is_as_likely_as_any_other() -> None:
    population = [task(n, ("bug", "docs")[n % 3 == 0], "small", "acme/shop") for n in range(60)]
    times = Counter(each.change for seed in range(2_000) for each in draw(population, 20, seed))
    # A third of the times each; four standard deviations of that.
    assert all(
        abs(times[each.change] - 2_000 / 3) < 4 * (2_000 * 2 / 9) ** 0.5 for each in population
    )
