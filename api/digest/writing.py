"""From numbers to every form: the digests of one week, written out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from api.digest import card, html, slack, text
from api.digest.content import Digest
from api.digest.edition import Audience, Edition
from api.digest.gather import Week, read, read_week
from api.pages.charts import png
from api.wiring import Wiring

# Sharp enough on a screen of twice as many pixels, and drawn in half the time.
_SCALE = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Writes the digests of one week; what they have in common is read once.

    ``link`` is the address of the pages without a slash at its end.
    """

    wiring: Wiring
    week: Week
    link: str

    def edition(self, audience: Audience) -> Edition:
        """The digest for this audience, in every form."""
        with self.wiring.database.reading() as connection:
            return written(read(self.wiring, connection, self.week, audience), self.link)


def press(wiring: Wiring, week: date, link: str) -> Press:
    """Read what all digests of the seven days before this Monday have in common.

    Raises ValueError where it is no Monday, or has not come yet.
    """
    with wiring.database.reading() as connection:
        return Press(wiring=wiring, week=read_week(wiring, connection, week), link=link)


def written(digest: Digest, link: str) -> Edition:
    """A digest in every form; its links lead to the pages under this address."""
    return Edition(
        subject=digest.subject,
        text=text.write(digest, link),
        html=html.write(digest, link),
        pictures=_pictures(digest),
        slack=slack.write(digest, link),
        teams=card.write(digest, link),
    )


def _pictures(digest: Digest) -> Mapping[str, bytes]:
    return {name: png(chart, _SCALE) for name, chart in html.pictures(digest)}
