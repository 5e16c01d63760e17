"""Templates to text."""

from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from api.pages import formats
from api.pages.charts import Chart, svg
from api.problems import Problem


def drawing(chart: Chart) -> Markup:
    """A chart as an element of a page; what it names is escaped by the drawing itself."""
    return Markup(svg(chart))  # noqa: S704


def unbroken(value: object) -> object:
    """A text in which no line ends between a number and its per cent sign; else as it is."""
    return value.replace(" %", "\u00a0%") if isinstance(value, str) else value


def environment(package: str) -> Environment:
    """How the templates of a package are read: escaped, and no name may be missing."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        finalize=unbroken,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


_ENVIRONMENT = environment("api.pages")
_ENVIRONMENT.filters |= {
    "number": formats.number,
    "share": formats.share,
    "measured": formats.measured,
    "money": formats.money,
    "moment": formats.moment,
    "words": formats.words,
    "spelled_time": formats.spelled_time,
    "capital": formats.capital,
    "short": formats.short,
    "tokens": formats.tokens,
    "day": formats.day,
    "drawing": drawing,
}
_ENVIRONMENT.globals |= {
    "ago": formats.ago,
    "duration": formats.duration,
    "session_path": formats.session_path,
}


def render(template: str, told: Mapping[str, object]) -> str:
    """Fill a template. A name that it uses and nobody told is an error, never an empty spot."""
    return _ENVIRONMENT.get_template(template).render(told)


def problem_page(problem: Problem) -> str:
    """A problem for people."""
    return render("problem.html", {"problem": problem})
