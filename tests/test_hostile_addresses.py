"""Rows, names and redirects that lead inside: none of them ever sees a connection."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Names, NameServer, Site, page, redirect
from tests.program import Program

HERE = Path(__file__).parent / "hostile"
PUBLIC = "127.0.0.7"
"""Stands for a stranger's machine: the guard is told to let it pass."""


def listed(name: str) -> dict[str, Any]:
    """A list of inputs, with the answers they must get."""
    return tomllib.loads((HERE / name).read_text("utf-8"))


@pytest.fixture
def trap() -> Iterator[Site]:
    """A listener on every address of this machine, which nobody may ever reach."""
    with Site("0.0.0.0", "::") as site:
        site.default = page("<p>secrets of the inside</p>")
        yield site


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program as it is shipped: the guard is on."""
    program = Program(tmp_path)
    del program.settings["allow_private"]
    return program


def answers(program: Program) -> dict[str, tuple[str, str]]:
    """Link and rule of every source."""
    rows = program.sql("SELECT id, link, link_reason FROM audit")
    return {id: (link, reason.partition(":")[0]) for id, link, reason in rows}


def test_no_address_of_the_list_is_ever_connected_to(program: Program, trap: Site) -> None:
    """
    Anybody's CSV is a way to have our server ask what only our server may ask.
    """
    wanted: dict[str, tuple[str, str, str]] = {}
    rows: list[dict[str, str]] = []
    for group in listed("addresses.toml")["group"]:
        for url in group["urls"]:
            id = f"row-{len(rows):03}"
            rows.append({"id": id, "url": url.replace("{port}", str(trap.port))})
            wanted[id] = (url, "invalid", group["rule"])
    program.write(*rows)

    done = program.run("run", "--all", "--no-preserve")

    assert done.returncode == 1, done.stderr
    assert len(rows) >= 150
    found = answers(program)
    assert {id: (wanted[id][0], *found.get(id, ("", ""))) for id in wanted} == wanted
    assert trap.connections == 0
    again = program.run("run", "--all", "--no-preserve")
    assert again.returncode == 1
    assert trap.connections == 0


def test_no_name_and_no_redirect_of_the_list_leads_inside(
    program: Program, trap: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The address in the row may be blameless: what counts is where each request would go.
    """
    monkeypatch.setenv("PYTHONPATH", str(HERE.parents[1]))
    told = listed("redirects.toml")
    wanted: dict[str, tuple[str, str]] = {}
    rows: list[dict[str, str]] = []

    def row(url: str, rule: str, what: str) -> None:
        id = f"row-{len(rows):03}"
        rows.append({"id": id, "url": url})
        wanted[id] = (what, rule)

    with ExitStack() as stack:
        site = stack.enter_context(Site(PUBLIC))
        names = stack.enter_context(NameServer())
        furnish(names)
        for group in told["group"]:
            for location in group["locations"]:
                to = location.replace("{port}", str(trap.port))
                for status in (301, 302, 303, 307, 308):
                    target = f"/{len(rows)}"
                    site.set(target, redirect(to, status=status))
                    row(site.url(target, host=PUBLIC), group["rule"], f"{status} {location}")
        for group in told["refresh"]:
            for location in group["locations"]:
                to, target = location.replace("{port}", str(trap.port)), f"/{len(rows)}"
                site.set(target, page(f'<meta http-equiv="refresh" content="0; url={to}">'))
                row(site.url(target, host=PUBLIC), "", f"refresh {location}")
        for group in told["name"]:
            for host in group["hosts"]:
                row(f"http://{host}:{trap.port}/", group["rule"], host)
        program.before = (
            *(sys.executable, "-m", "tests.hostile.with_names"),
            *(names.address, PUBLIC),
        )
        program.write(*rows)

        done = program.run("run", "--all", "--no-preserve")

        assert done.returncode == 1, done.stderr
        assert site.connections > 0
    found = answers(program)
    wrong = {
        what: found.get(id)
        for id, (what, rule) in wanted.items()
        if found.get(id, ("", ""))[0] in ("", "live", "moved") or (rule and found[id][1] != rule)
    }
    assert not wrong
    assert trap.connections == 0


def furnish(names: NameServer) -> None:
    """The names of the list, as somebody with a domain and bad intentions would set them."""
    names.set("inside.example", "127.0.0.1")
    names.set("mixed.example", PUBLIC, "127.0.0.1")
    names.set("six.example", "::1")
    names.set("alias.example", "127.0.0.1", "::1")
    names.set("metadata.example", "169.254.169.254")
    names.set("mapped.example", "::ffff:7f00:1")
    names.set("public.example", PUBLIC)


@contextmanager
def same_port() -> Iterator[tuple[Site, Site]]:
    """A stranger's site, and one inside at the same port."""
    for _ in range(20):
        with ExitStack() as stack, suppress(OSError):  # the port is somebody else's inside
            site = stack.enter_context(Site(PUBLIC))
            inside = stack.enter_context(Site("127.0.0.1", port=site.port))
            yield site, inside
            return


def test_a_name_that_turns_inside_between_two_pages_is_not_followed(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Rebinding: the name is vetted, and then means something else when it is connected to.
    """
    monkeypatch.setenv("PYTHONPATH", str(HERE.parents[1]))
    with NameServer() as names, same_port() as (site, inside):
        outside, turned = Names(a=(PUBLIC,)), Names(a=("127.0.0.1",))
        names.set("turning.example", outside, turned)
        names.set("turned.example", turned, outside)
        site.set("/a", redirect(f"http://turning.example:{site.port}/b"))
        site.set("/b", page("<p>words</p>"))
        program.before = (
            *(sys.executable, "-m", "tests.hostile.with_names"),
            *(names.address, PUBLIC),
        )
        program.write(
            {"id": "turning", "url": f"http://turning.example:{site.port}/a"},
            {"id": "turned", "url": f"http://turned.example:{site.port}/a"},
        )

        program.run("run", "--all", "--no-preserve")
        program.run("run", "--all", "--no-preserve")

        assert inside.connections == 0
        assert site.connections > 0
