"""What spend leaks through: an ordered, versioned table of detectors.

Each looks at one session and what is usual in the company, and says what it loses, nothing, or why
nothing can be said. ``python -m classifier.leaks`` prints ``docs/leaks.md``; it is measured by
``classifier.leak_measure``.
"""

from collections.abc import Iterable
from dataclasses import asdict, fields

from classifier import leak_caching, leak_calls, leak_context, leak_outcomes
from classifier.leak_detector import Detector
from classifier.thresholds import LeakThresholds

# Goes up with every change that can give any group another number.
DETECTOR_SET = "1"

DETECTORS: tuple[Detector, ...] = (
    *leak_caching.detectors(),
    *leak_context.detectors(),
    *leak_calls.detectors(),
    *leak_outcomes.detectors(),
)

_PAGE = """\
# What spend leaks through

Generated from the detectors themselves (detector set {detector_set}): `python -m classifier.leaks`.

A leak is spend that need not have been, by one of the patterns below. `GET /v1/leaks` gives each
with its money, the sessions behind it, and a fix to try; `POST /v1/leaks/{{leak_id}}/tried` marks
that a fix was tried, and from then on its measured effect is shown.

## How to read the numbers

- **An estimate between two bounds.** What nobody tells (how long each prompt was, what a call cost)
  is not invented: the bounds take what it can have been, and each row says in `how` what they rest
  on. They are bounds of the reasoning, not of chance.
- **Of the last 13 whole weeks** (Monday to Monday, UTC), a session in the week of its last record.
  Once a day all 13 are measured anew, so that every week is judged by the same thresholds and the
  latest labels; older weeks stay as they were. There is one period only: two of them could be
  subtracted, and tell of single people.
- **In the cost that everything is weighed by**: what the tool reports, where that is told for all
  of a session, else mostly list price ([prices](prices.md#what-a-session-cost)). Differences of
  prices are those of the list at that time, for prompts that are not long.
- **Cannot say** stands for a session whose tool does not tell what a detector looks at, whose price
  is not known, or that there is too little to compare with: `detectors` counts them by reason.
- **Usual** is what the company's own sessions of that week and the three before were like.

## The total

One session may leak in several ways, so the rows overlap and are not to be added. In `total` each
session's cost counts once at most. Its estimate is that of the way in which it loses most, and its
lower bound the largest of the lower bounds; its upper bound is the sum of the upper bounds, but at
most what the session cost. `others` adds up the findings that it stands for, which may overlap.

## Whom it is about

Findings are about a tool with its team, repository, model or type of work, never about a person.
One with fewer people behind it than `privacy_floor` names neither its group nor its sessions: it is
pooled into `others` with all such, and where these are still too few people the smallest of the
other findings join them. If all together are too few, no money is told at all. Sessions that name
nobody count for no person.

## What was tried

Marking a fix as tried names the day (by default today) and a note. A day holds one word per leak:
saying it again replaces the note, `"withdrawn": true` takes it back. Several days may be marked,
each is a try of its own, and what follows counts for the last one.

The measure is the share that leaks: money lost (the estimate) over all that the group spends, week
by week. The four weeks before the week of the try are compared with the whole weeks after it; that
week itself belongs to neither. The interval is Welch's at 95 %, from how much the weeks differ
among themselves. With fewer than two whole weeks since, it is too early to say. Beside it stands
the same for the groups of the same leak in which nothing was tried, and the difference of both
differences, where there are such: what changed everywhere was not the fix. A leak is mostly tackled
when it is at its worst, and would have become smaller by itself: look at what the others did.
`no_commit` knows a week only 31 days after its end, when labels are final, and so does its effect.

## The detectors

{detectors}

## Thresholds

Set in the table `[leaks]` of the file that `ASSAY_THRESHOLDS` names.

| Name | Default | Of what, and whence |
|---|--:|---|
{thresholds}
"""


def page() -> str:
    """Write ``docs/leaks.md``, with the default thresholds."""
    return _PAGE.format(
        detector_set=DETECTOR_SET,
        detectors="\n\n".join(_section(each) for each in DETECTORS),
        thresholds=_table(
            (f"`{each.name}`", f"{getattr(LeakThresholds(), each.name)}", each.metadata["why"])
            for each in fields(LeakThresholds)
        ),
    )


def worded(text: str, thresholds: LeakThresholds) -> str:
    """A text with the thresholds that it names in braces."""
    return text.format_map(asdict(thresholds))


def _section(detector: Detector) -> str:
    grouped = ", ".join(("tool", *(name.replace("_", " ") for name in detector.by)))
    defaults = LeakThresholds()
    return (
        f"### {detector.name}\n\n{worded(detector.sentence, defaults)}\n\n"
        f"- Money: {worded(detector.money, defaults)}\n"
        f"- To try: {detector.fix}\n"
        f"- By: {grouped}"
    )


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(page(), end="")
