"""Every number that an alert turns on, with its source: defaults, for a company to set its own."""

from dataclasses import dataclass

from classifier.thresholds import _number as number


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertThresholds:
    """What raises an alert; hours, percents and money are whole numbers."""

    runaway_tokens: int = number(
        100_000_000,
        "Tokens of one session with its subagents. Some hundred requests with a full context of "
        "200,000 tokens; a judgement.",
    )
    runaway_requests: int = number(
        1_500,
        "Requests of one session with its subagents. In the simulated companies the longest honest "
        "session has half as many; a judgement.",
    )
    runaway_repeats: int = number(
        30,
        "Times that the very same call failed again in one session: nobody learns from the 30th.",
    )
    runaway_hours: int = number(
        6, "Since its last record: a session that was quiet for longer has ended."
    )
    anomaly_usd: int = number(
        50, "US dollars above what is usual for 24 hours; less is not worth anybody's while."
    )
    anomaly_percent: int = number(
        200,
        "Of the highest of the same 24 hours of the last eight weeks: what has been before is no "
        "news. Measured: see docs/alerts.md.",
    )
    anomaly_spreads: int = number(
        4, "Robust standard deviations (1.4826 MAD) above the median of the same eight weeks."
    )
    anomaly_weeks: int = number(4, "Weeks of history that it takes to say what is usual.")
    silent_share: float = number(
        0.75, "Share of weeks in which a tool was used at an hour of the week, to expect it then."
    )
    silent_hours: int = number(8, "Such hours without any record: a working day.")
    silent_percent: int = number(
        150, "Of the longest such silence of the last eight weeks: holidays are no news."
    )
    sync_hours: int = number(
        2, "Since a forge or tracker was last read, while reading it fails: eight attempts."
    )
