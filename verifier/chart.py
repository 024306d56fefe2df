"""One number over time as a small picture: SVG that the page's style sheet colours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from xml.etree import ElementTree

WIDTH, HEIGHT = 300, 140
"""The picture's own coordinates; a page scales them."""


def line(points: Sequence[tuple[date, int]], *, until: date, label: str) -> str:
    """The ``<svg>`` element, with *label* for those who don't see it.

    The vertical axis begins at zero, so that a small change looks small; the horizontal one
    ends at *until*, so that what is not known since then is seen as a gap. The line has the
    colour of the text around it.

    Args:
        points: Days with their numbers, the oldest first; at least one.
    """
    # takes a twentieth of a second to load, which commands that draw nothing are spared
    from leather import Chart, Dots, Line, Series

    # days are numbers here: leather cannot scale a span of few dates
    spots = [(day.toordinal(), number) for day, number in points]
    first = spots[0][0]
    last = max(until.toordinal(), spots[-1][0], first + 1)
    highest = max(1, *(number for _, number in spots))
    chart = Chart()
    chart.add_x_scale(first, last)
    chart.add_x_axis(
        ticks=[first, last], tick_formatter=lambda day, *_: date.fromordinal(day).isoformat()
    )
    chart.add_y_scale(0, highest)
    chart.add_y_axis(ticks=[0, highest], tick_formatter=lambda number, *_: f"{number:,}")
    shape = Line("currentColor") if len(spots) > 1 else Dots("currentColor")
    chart.add_series(Series(spots), shape)
    picture = ElementTree.Element(
        "svg",
        {
            "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "class": "v-chart",
            "role": "img",
            "aria-label": label,
        },
    )
    picture.append(chart.to_svg_group(WIDTH, HEIGHT))
    return ElementTree.tostring(picture, encoding="unicode")
