"""A digest as the HTML of a mail: one column, styles on the elements, pictures by content id."""

from collections.abc import Iterator

from api.digest.content import Digest
from api.digest.edition import UNSUBSCRIBE
from api.pages.charts import Chart
from api.pages.rendering import environment

_ENVIRONMENT = environment("api.digest")


def write(digest: Digest, link: str) -> str:
    """Write it."""
    names = {id(chart): name for name, chart in pictures(digest)}
    return _ENVIRONMENT.get_template("mail.html").render(
        digest=digest, link=link, name_of=lambda chart: names[id(chart)], unsubscribe=UNSUBSCRIBE
    )


def pictures(digest: Digest) -> Iterator[tuple[str, Chart]]:
    """Its charts with the content id of each."""
    charts = (chart for section in digest.sections for chart in section.charts)
    for number, chart in enumerate(charts):
        yield f"chart-{number}", chart
