"""Charts: one value that is drawn for a page and, from the same drawing, for a mail.

A page inlines the drawing and its style sheet colours it, light or dark; a picture carries the
light colours with it. What a chart shows stands in a table beside it as well: a drawing is for
those who see it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any
from xml.etree import ElementTree as ET

import pygal
import resvg_py


class Tone(StrEnum):
    """What a series means, and so its colour."""

    PRODUCTIVE = "productive"
    INEFFICIENT = "inefficient"
    WASTEFUL = "wasteful"
    NEUTRAL = "neutral"
    PENDING = "pending"
    UNKNOWN = "unknown"
    MAIN = "main"
    BASELINE = "baseline"


class Form(StrEnum):
    """How it is drawn."""

    LINES = "lines"
    STACKED = "stacked"
    BARS = "bars"


class Unit(StrEnum):
    """What the values are: shares from 0 to 1, US dollars, or a plain number."""

    SHARE = "share"
    USD = "usd"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Series:
    """Values in the order of the chart's labels; None leaves a gap."""

    name: str
    tone: Tone
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is shown. ``title`` says it in a sentence: it is all that some readers get."""

    title: str
    form: Form
    unit: Unit
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    width: int = 760
    height: int = 280


_FORMS = {Form.LINES: pygal.Line, Form.STACKED: pygal.StackedBar, Form.BARS: pygal.HorizontalBar}
_SVG = "http://www.w3.org/2000/svg"
_COLOUR = re.compile(r"\bcolor-(\d+)\b")
# What one label takes, in the chart's own units: more of them would write over each other.
_LABEL_WIDTH = 56
_FONT = resources.files("font_source_sans_pro") / "files" / "SourceSansPro-Regular.ttf"
# Two charts stand side by side: wider ones are alone.
_HALF = 600
_SHARES = (0, 0.25, 0.5, 0.75, 1)
_THOUSAND, _MILLION = 1_000, 1_000_000

ET.register_namespace("", _SVG)
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


@lru_cache(maxsize=256)
def svg(chart: Chart) -> str:
    """The drawing as an element of a page, without any style of its own."""
    root = _drawn(chart)
    root.set("role", "img")
    root.set("aria-label", chart.title)
    root.set("class", "chart alone" if chart.width > _HALF else "chart")
    return ET.tostring(root, encoding="unicode")


@lru_cache(maxsize=256)
def png(chart: Chart, scale: float = 2) -> bytes:
    """The drawing as a picture, in the light colours; ``scale`` times as many pixels."""
    style = resources.files("api.pages") / "static" / "charts.css"
    inlined = svg(chart).replace(">", f"><style>{_light(style.read_text('utf-8'))}</style>", 1)
    told = resvg_py.svg_to_bytes(
        svg_string=inlined,
        width=round(chart.width * scale),
        background="white",
        # Our own font: the same picture on every machine, also where none is installed.
        skip_system_fonts=True,
        font_files=[str(_FONT)],
        font_family="Source Sans Pro",
        sans_serif_family="Source Sans Pro",
    )
    return bytes(told)


def _drawn(chart: Chart) -> ET.Element:
    every = max(1, -(-len(chart.labels) * _LABEL_WIDTH // chart.width))
    drawing = _FORMS[chart.form](
        js=[],
        css=[],
        width=chart.width,
        height=chart.height,
        margin=8,
        spacing=8,
        show_legend=len(chart.series) > 1,
        legend_at_bottom=True,
        legend_at_bottom_columns=min(len(chart.series), 6),
        legend_box_size=10,
        show_minor_x_labels=chart.form is Form.BARS or every == 1,
        x_labels_major_every=every,
        truncate_label=-1,
        truncate_legend=-1,
        dots_size=2,
        no_data_text="Nothing to show yet",
        value_formatter=lambda value: shown(value, chart.unit),
        **_scale(chart),
    )
    # Of lying bars the first is drawn at the bottom; a reader begins at the top.
    order = -1 if chart.form is Form.BARS else 1
    drawing.x_labels = chart.labels[::order]
    for series in chart.series:
        drawing.add(series.name, list(series.values[::order]), allow_interruptions=True)
    return _plain(drawing.render_tree(), [series.tone for series in chart.series])


def _scale(chart: Chart) -> dict[str, Any]:
    """Shares are drawn over all of their range, so that two drawings can be compared."""
    if chart.unit is Unit.SHARE and chart.form is not Form.BARS:
        return {"range": (0, 1), "y_labels": _SHARES}
    return {"include_x_axis": True}


def _plain(root: ET.Element, tones: list[Tone]) -> ET.Element:
    """Without the styles, scripts and hints for scripts, and coloured by what series mean."""
    for parent in list(root.iter()):
        for child in list(parent):
            name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else "comment"
            if name in ("defs", "desc", "title", "comment"):
                parent.remove(child)
    for element in root.iter():
        told = element.get("class")
        if told:
            element.set("class", _COLOUR.sub(lambda m: f"tone-{tones[int(m[1])]}", told))
        for name in ("style", "id"):
            element.attrib.pop(name, None)
    return root


def shown(value: Any, unit: Unit) -> str:
    """A value on an axis: short, so that it fits."""
    if value is None:
        return ""
    if unit is Unit.SHARE:
        return f"{value * 100:.0f} %"
    sign = "$" if unit is Unit.USD else ""
    if abs(value) >= _MILLION:
        return f"{sign}{value / _MILLION:,.1f}M"
    if abs(value) >= _THOUSAND:
        return f"{sign}{value / _THOUSAND:,.1f}k"
    return f"{sign}{value:,.2f}".rstrip("0").rstrip(".")


def _light(style: str) -> str:
    """The style sheet with each variable replaced by its first, light, value."""
    values: dict[str, str] = {}
    for name, value in re.findall(r"(--[\w-]+):\s*([^;]+);", style):
        values.setdefault(name, value)
    rules = style.partition("/* drawing */")[2]
    return re.sub(r"var\((--[\w-]+)\)", lambda m: values[m[1]], rules)
