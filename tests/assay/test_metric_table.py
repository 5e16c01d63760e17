"""The table of our own metrics, and the page that is made from it."""

import re
from pathlib import Path

from assay.jobs import Jobs
from assay.metric_sources import receivers, worker
from assay.metric_table import METRICS, page
from collector.meters import Receiving
from store.engine import Database

ROOT = Path(__file__).parents[2]


def test_the_page_is_made_from_the_table() -> None:
    assert (ROOT / "docs" / "telemetry.md").read_text() == page()


def test_names_and_units_are_as_opentelemetry_spells_them() -> None:
    assert len({each.name for each in METRICS}) == len(METRICS)
    for each in METRICS:
        assert re.fullmatch(r"assay(\.[a-z_]+)+", each.name)
        assert re.fullmatch(r"s|\{[a-z]+\}", each.unit)
        assert each.description.endswith(".")


def test_every_metric_has_one_source_and_every_source_is_declared(database: Database) -> None:
    made = [*receivers({"http": Receiving()}), *worker(database, Jobs())]
    assert sorted(made) == sorted(each.name for each in METRICS)


def test_sources_tell_the_declared_attributes_and_no_others(database: Database) -> None:
    meter, jobs = Receiving(), Jobs()
    meter.refused["unauthenticated"] += 1
    jobs.records["understood"] += 3
    jobs.failures["fold"] += 1
    with jobs.job("fold") as doing:
        doing.done = 1
    declared = {each.name: set(each.attributes) for each in METRICS}
    sources = {**receivers({"http": meter}), **worker(database, jobs)}
    for name, source in sources.items():
        for _, attributes in source():
            assert set(attributes) == declared[name], name
