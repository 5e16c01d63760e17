"""Charts say what they show to everybody, hold no style or script, and are pictures in mails."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from api.pages.charts import Chart, Form, Series, Tone, Unit, png, shown, svg

_STYLE_OF_PAGES = ("<style", "<script", "style=", "onclick", "href")


def chart(form: Form, unit: Unit = Unit.USD, values: tuple[float | None, ...] = (1, 2, 4)) -> Chart:
    return Chart(
        title="Spend by week & label",
        form=form,
        unit=unit,
        labels=("first", "second", "<third>"),
        series=(
            Series("productive", Tone.PRODUCTIVE, values),
            Series("wasteful", Tone.WASTEFUL, values),
        ),
    )


@pytest.mark.parametrize("form", Form)
def test_a_drawing_is_an_image_with_a_name_and_nothing_of_its_own(form: Form) -> None:
    drawn = svg(chart(form))
    root = ET.fromstring(drawn)
    assert (root.get("role"), root.get("aria-label")) == ("img", "Spend by week & label")
    assert [word for word in _STYLE_OF_PAGES if word in drawn] == []
    assert "&lt;third&gt;" in drawn


@pytest.mark.parametrize("form", Form)
def test_series_are_coloured_by_what_they_mean(form: Form) -> None:
    drawn = svg(chart(form))
    assert "tone-productive" in drawn
    assert "tone-wasteful" in drawn
    assert "color-" not in drawn


def test_lying_bars_begin_at_the_top() -> None:
    texts = [
        (float(element.get("y", 0)), element.text)
        for element in ET.fromstring(svg(chart(Form.BARS))).iter()
        if element.text in ("first", "second", "<third>")
    ]
    assert [text for _, text in sorted(texts)] == ["first", "second", "<third>"]


def test_what_is_missing_is_a_gap_and_nothing_at_all_is_said() -> None:
    whole = svg(chart(Form.LINES, values=(1, 2, 3)))
    assert svg(chart(Form.LINES, values=(1, None, 3))).count("<circle") == (
        whole.count("<circle") - 2
    )
    assert "Nothing to show yet" in svg(chart(Form.LINES, values=(None, None, None)))


def test_the_same_drawing_is_a_picture() -> None:
    picture = png(chart(Form.STACKED), scale=1)
    assert picture.startswith(b"\x89PNG")
    # Width and height of the header.
    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (760, 280)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.256, Unit.SHARE, "26 %"),
        (1_234, Unit.USD, "$1.2k"),
        (2_500_000, Unit.NUMBER, "2.5M"),
        (0.5, Unit.USD, "$0.5"),
        (40, Unit.NUMBER, "40"),
        (None, Unit.USD, ""),
    ],
)
def test_an_axis_tells_values_shortly(value: float | None, unit: Unit, text: str) -> None:
    assert shown(value, unit) == text


def test_pictures_have_words_whatever_fonts_a_machine_has() -> None:
    other = replace(chart(Form.BARS), labels=("one", "two", "three"))
    assert png(other, scale=1) != png(chart(Form.BARS), scale=1)
