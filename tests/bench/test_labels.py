"""Labels of a simulated company against its truth; ``python -m bench.labels`` does many of them."""

from bench.labels import COMPANY, UNTIL, Score, count, covered, kept, right, told
from domain.labels import Label
from simulation.company import found
from simulation.living import live


def test_labels_are_right_where_anything_is_said() -> None:
    history = live(found(2, developers=20), UNTIL, 20)
    score = Score()
    with told(history, COMPANY) as database:
        count(score, history, kept(database))
    assert score.sessions.total() > 500
    assert right(score.sessions) >= 0.95
    # Five months of twenty people are few peers: of whole companies it is 0.95 by spend, too.
    assert right(score.spend) >= 0.9
    assert covered(score.spend) >= 0.85
    # What is called wasteful is: nothing is worse than to call good work waste.
    wrongly = [score.spend[true, Label.WASTEFUL] for true in ("productive", "neutral")]
    assert sum(wrongly) <= 0.002 * score.spend.total()


def test_what_says_nothing_is_neither_right_nor_wrong() -> None:
    score = Score()
    for label, cost in ((Label.PRODUCTIVE, 6), (Label.WASTEFUL, 2), (Label.UNKNOWN, 2)):
        score.add({"label": "productive", "ending": "shipped"}, label, cost)
    assert (right(score.spend), covered(score.spend)) == (0.75, 0.8)
