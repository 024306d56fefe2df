"""The pictures of numbers over time: what they show, and that they need nobody."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from xml.etree import ElementTree

from verifier.chart import HEIGHT, WIDTH, line

START = date(2026, 10, 1)


def days(*numbers: int) -> list[tuple[date, int]]:
    """A number each day."""
    return [(START + timedelta(days=day), number) for day, number in enumerate(numbers)]


def drawn(numbers: list[tuple[date, int]], until: date) -> list[tuple[float, float]]:
    """The corners of the line."""
    picture = ElementTree.fromstring(line(numbers, until=until, label="x"))
    (path,) = picture.iter("path")
    steps = path.attrib["d"].replace("M", "L").split("L")[1:]
    return [(float(step.split()[0]), float(step.split()[1])) for step in steps]


def test_the_line_goes_where_the_numbers_go() -> None:
    """A picture that is wrong persuades better than a table that is right."""
    corners = drawn(days(0, 5, 10, 5), START + timedelta(days=3))

    across = [x for x, _ in corners]
    heights = [y for _, y in corners]
    assert across == sorted(across)
    assert heights[0] > heights[1] > heights[2]
    assert heights[1] == heights[3]
    assert heights[0] - heights[1] == heights[1] - heights[2]


def test_a_small_change_looks_small() -> None:
    """An axis that does not begin at zero makes a collapse of one source in a thousand."""
    (_, before), (_, after) = drawn(days(1000, 999), START + timedelta(days=1))

    assert 0 < after - before < 0.01 * HEIGHT


def test_days_without_a_round_leave_a_gap() -> None:
    """A line drawn to the edge would say that somebody looked today."""
    (_, _), (last, _) = drawn(days(3, 4), START + timedelta(days=10))

    assert last < WIDTH / 3


def test_one_day_and_no_source_can_be_drawn() -> None:
    """The first round is when the page is looked at most closely."""
    assert "<circle" in line(days(7), until=START, label="x")
    assert "<circle" in line(days(0), until=START + timedelta(days=3), label="x")
    assert "<path" in line(days(0, 0), until=START, label="x")


def test_the_picture_asks_for_nothing_and_says_what_it_shows() -> None:
    """The site's policy forbids scripts and remote parts; a screen reader needs the words."""
    picture = line(days(1, 2), until=START, label='dead: "2" <now>')

    root = ElementTree.fromstring(picture)
    assert root.attrib["aria-label"] == 'dead: "2" <now>'
    assert root.attrib["role"] == "img"
    assert "http" not in picture
    assert not [e.tag for e in root.iter() if e.tag in ("script", "image")]
    assert not {name for e in root.iter() for name in e.attrib if name in ("style", "href")}


def test_commands_that_draw_nothing_don_t_load_the_library() -> None:
    """``verifier --help`` answers in a moment, and a round has no picture."""
    code = "import sys, verifier.chart, verifier.site; print('leather' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
