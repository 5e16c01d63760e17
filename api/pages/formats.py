"""Numbers, money and times as people read them. Pure; None is for the template to show."""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import floor
from urllib.parse import quote

from domain.usage import NANOUSD, Tokens

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = (
    (_MINUTE, 1, "second"),
    (_HOUR, _MINUTE, "minute"),
    (2 * _DAY, _HOUR, "hour"),
    (60 * _DAY, _DAY, "day"),
)
_WHOLE_DOLLARS_FROM = 1000
_SHORT = 13
_ALL = 100


def number(value: float) -> str:
    """A count with thousands separators; a fraction with at most two digits, rounded down.

    Rounded down, so that what is short of a need never reads as if it were met.
    """
    if value == int(value):
        return f"{int(value):,}"
    return f"{floor(value * 100 + 1e-9) / 100:,.2f}".rstrip("0").rstrip(".")


def share(value: float) -> str:
    """A fraction of one as whole per cent; a part is never shown as nothing, nor as all."""
    percent = floor(value * 100 + 0.5)
    if value > 0 and percent == 0:
        return "under 1 %"
    return "over 99 %" if value < 1 and percent == _ALL else f"{percent} %"


def change(value: float) -> str:
    """A change as a share of what was before, in whole per cent with its sign."""
    return f"{value * 100:+.0f} %"


def measured(value: float, is_share: bool) -> str:
    """How much there is of what a requirement asks: a share as whole per cent, rounded down."""
    return f"{floor(value * 100 + 1e-9)} %" if is_share else number(value)


def money(nanousd: int) -> str:
    """US dollars: cents from a dollar on, whole dollars from a thousand on, else three digits."""
    dollars = Decimal(nanousd) / NANOUSD
    if nanousd == 0:
        return "$0"
    if abs(dollars) >= _WHOLE_DOLLARS_FROM:
        digits = 0
    elif abs(dollars) >= 1:
        digits = 2
    else:
        digits = max(2, 2 - dollars.adjusted())
    rounded = dollars.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    text = f"{abs(rounded):,f}"
    if digits > 2:  # noqa: PLR2004
        whole, _, fraction = text.partition(".")
        text = f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
    return f"{'-' if rounded < 0 else ''}${text}"


def ago(at: datetime, now: datetime) -> str:
    """How long before ``now``, in one unit; a date where that is more than two months."""
    seconds = (now - at) // timedelta(seconds=1)
    if seconds < 0:
        return moment(at)
    for below, unit, name in _STEPS:
        if seconds < below:
            count = seconds // unit
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return day(at)


def moment(at: datetime) -> str:
    """A time to the minute."""
    return f"{day(at)}, {at:%H:%M} UTC"


def day(at: date) -> str:
    """A date."""
    return f"{at.day} {at:%b %Y}"


def duration(start: datetime, end: datetime) -> str:
    """How long something took."""
    seconds = (end - start) // timedelta(seconds=1)
    if seconds < 1:
        return "under a second"
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"


def words(name: str) -> str:
    """A name of the code as words: ``settled_sessions`` is *settled sessions*."""
    return " ".join("SHA" if word == "sha" else word for word in name.split("_"))


def spelled_time(told: str) -> str:
    """A time that is told in ISO 8601, to the minute; anything else unchanged."""
    try:
        return moment(datetime.fromisoformat(told).astimezone(UTC))
    except ValueError:
        return told


def capital(text: str) -> str:
    """The same with a capital first letter and the rest untouched."""
    return text[:1].upper() + text[1:]


def short(identifier: str) -> str:
    """The beginning of a long id; whole where it is short."""
    return identifier if len(identifier) <= _SHORT else f"{identifier[: _SHORT - 1]}…"


def session_path(tool: str, session_id: str) -> str:
    """The address of a session's page, under this host."""
    return f"/sessions/{quote(tool, safe='')}/{quote(session_id, safe='')}"


def tokens(told: Tokens) -> int | None:
    """All buckets together; None where none was told."""
    return told.billable() if told.told() else None
