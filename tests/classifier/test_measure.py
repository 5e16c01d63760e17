"""What is said of the quality of links, with numbers that can be counted by hand."""

from classifier.measure import Quality, Said, quality
from classifier.measure_links import measure
from domain.labels import Tier
from domain.work import SessionTrailer
from store import links
from store.engine import Database
from tests.classifier.test_join import LINKED, fold, push, session, settle, tell
from tests.filling import rows


def test_precision_recall_and_calibration_are_counted() -> None:
    said = [
        Said(0.75, True),
        Said(0.75, False),
        Said(0.5, True),
        Said(0.25, True),
        Said(0.125, False),
    ]
    assert quality(said, 4) == Quality(
        known=4,
        said=5,
        counted=3,
        right=2,
        precision=2 / 3,
        recall=0.5,
        # |1.5 - 1| + |0.5 - 1| + |0.25 - 1| + |0.125 - 0| over five links
        calibration_error=0.375,
    )


def test_of_nothing_there_is_no_share() -> None:
    assert quality([], 0) == Quality(
        known=0, said=0, counted=0, right=0, precision=None, recall=None, calibration_error=None
    )


def test_what_is_proven_is_hidden_and_found_again(embedded: Database) -> None:
    fold(embedded, session("named", 0, 1, "src/basket.py", commit=f"{1:040x}"))
    fold(embedded, session("other", 0, 1, "src/tax.py"), session("blind", 0, 1))
    trailer = SessionTrailer(tool="claude-code", session_id="blind")
    tell(embedded, push(1, 1.1, "src/basket.py"))
    tell(embedded, push(2, 1.2, "src/tax.py", sessions=(trailer,)))
    settle(embedded)
    found = measure(embedded)
    # The first is found by its file; the second went to whoever edited it, not to whom it names.
    assert (found.commits, found.overall.known, found.overall.counted) == (2, 2, 2)
    assert (found.overall.precision, found.overall.recall) == (0.5, 0.5)
    assert list(found.by_tool) == ["claude-code"]
    assert found.by_tool["claude-code"] == found.overall
    assert found.by_tier[Tier.B].precision == 0.5
    assert found.by_tier[Tier.D].precision == 0.5
    assert found.reviewed.said == 0


def test_what_people_said_is_compared_with_what_was_said_without_them(embedded: Database) -> None:
    fold(embedded, session("right", 0, 1, "src/basket.py"), session("wrong", 0, 1, "src/tax.py"))
    tell(embedded, push(1, 1.1, "src/basket.py"), push(2, 1.2, "src/tax.py"))
    settle(embedded)
    ids = dict(rows(embedded, LINKED, "sessions.session_id, links.id"))
    for name in ("right", "wrong"):
        with embedded.writing() as connection:
            accepted = name == "right"
            links.review_link(
                connection, ids[name], accepted=accepted, by="p_lead", at=push(1, 2).pushed_at
            )
    settle(embedded)
    found = measure(embedded).reviewed
    assert (found.said, found.counted, found.right, found.precision) == (2, 2, 1, 0.5)
    assert found.recall == 1.0
