"""The direction of the house: what may import what, and where each outside library comes in."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import verifier

ROOT = Path(verifier.__file__).parent

LAYERS = {
    "values": "__init__ records errors",
    "core": """
        verdict sight outage
        lookalikes marks outline phrases baseline
        history overruling explain explain_copy explained
        copies confirm replayed alternatives
        quotes places nearest footnotes typography negations
        text markup pdf coding
        addresses hosts spelling
        report report_markdown report_html report_json report_csv corrections
        attention bulletin news feed freshness chart
        damage
        citing differences shown pictures
        rows schema
    """,
    "edges": """
        sources table
        fetch transport room
        warc warc_files warc_walk
        wayback wayback_answers wayback_child wayback_replay
        ledger evidence custody stand_ins chain recount landings belongings courtesy
        publish
        notify
    """,
    "shell": """
        round look derive rejudge kept hindsight judging recorder preserve fanout work
        fixity doctor
        parsing parsing_child frames tour worker processes
    """,
    "faces": """
        cli start reporting inspecting settings console site __main__
        publishing demo
    """,
}
ORDER = tuple(LAYERS)
LAYER = {name: layer for layer, names in LAYERS.items() for name in names.split()}

EDGES = ("sources table", "fetch transport room", "warc warc_files warc_walk",
         "ledger evidence custody stand_ins chain recount landings belongings courtesy",
         "wayback wayback_answers wayback_child wayback_replay", "publish", "notify")  # fmt: skip
"""Modules of one line are one edge; edges don't know each other."""

DOORS = {
    "httpx": "fetch transport wayback wayback_replay",
    "aiohttp": "transport",
    "aiodns": "transport",
    "uvloop": "start worker",
    "pycares": "transport",
    "yarl": "transport",
    "waybackpy": "wayback_child",
    "requests": "wayback_child",
    "urllib3": "wayback_child",
    "warcio": "warc",
    "isal": "warc warc_walk",
    "sqlite_utils": "ledger",
    "apscheduler": "work",
    "datasette": "site",
    "markupsafe": "site",
    "pluggy": "site",
    "uvicorn": "site",
    "click": "cli start console",
    "resiliparse": "text shown",
    "pypdfium2": "pdf pictures",
    "PIL": "pictures",
    "brotli": "coding",
    "publicsuffixlist": "baseline",
    "rapidfuzz": "nearest differences",
    "jinja2": "report_html",
    "apprise": "notify",
    "leather": "chart",
}
COMPUTING = {
    "leather", "resiliparse", "pypdfium2", "PIL", "brotli", "jinja2", "publicsuffixlist",
    "rapidfuzz",
}  # fmt: skip
"""Outside libraries that only compute: the core may use them."""

OUTSIDE_WORLD = {
    "asyncio", "http", "multiprocessing", "os", "pathlib", "random", "shutil", "socket",
    "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request",
}  # fmt: skip
OWN_REASONS = {"pdf": {"threading"}}
"""pdfium keeps state for the whole process: the lock around it keeps the same words the same."""

CLOCKS = {"now", "utcnow", "today", "sleep", "monotonic"}


def modules() -> dict[Path, ast.Module]:
    """Every source file of the program."""
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted(ROOT.rglob("*.py"))}


def name_of(path: Path) -> str:
    """The room a file is in: its module, or its folder."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree: ast.Module) -> Iterator[str]:
    """Dotted names of all that is imported, also within functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            inner = node.module in ("verifier", "urllib")
            names = [alias.name for alias in node.names] if inner else [""]
            yield from (f"{node.module}.{name}".rstrip(".") for name in names)


def ours(tree: ast.Module) -> set[str]:
    """The rooms of ours that are imported."""
    inner = [name.split(".") for name in imports(tree) if name.split(".")[0] == "verifier"]
    named = {parts[1] if len(parts) > 1 else "__init__" for parts in inner}
    return {name if name in LAYER else "__init__" for name in named}  # __version__ and the like


def others(tree: ast.Module) -> set[str]:
    """Libraries that are neither ours nor Python's."""
    tops = {name.split(".")[0] for name in imports(tree)}
    return tops - {"verifier"} - sys.stdlib_module_names


TREES = modules()
EACH = pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(ROOT)))


def test_every_module_has_its_place() -> None:
    """
    A new module is placed by a person; one that is gone makes no room for its name.
    """
    placed = [name for names in LAYERS.values() for name in names.split()]

    assert len(placed) == len(set(placed))
    assert {name_of(path) for path in TREES} == set(placed)


@EACH
def test_nothing_is_imported_from_above_or_from_another_edge(path: Path) -> None:
    """
    Rules that know the network can't be tested without it, and edges that know each other are one.
    """
    room = name_of(path)
    rank = ORDER.index(LAYER[room])
    kin = next((edge.split() for edge in EDGES if room in edge.split()), [room])

    for name in ours(TREES[path]) - {room}:
        assert ORDER.index(LAYER[name]) <= rank, f"{room} imports {name} from above"
        assert LAYER[room] != "edges" or LAYER[name] != "edges" or name in kin, (
            f"the edge {room} imports the edge {name}"
        )
        assert LAYER[room] != "values" or name == "__init__", f"{room} is a value of its own"


@EACH
def test_each_library_has_its_door(path: Path) -> None:
    """
    A library that is met in one place can be replaced, and doubted, in one place.
    """
    for library in others(TREES[path]):
        assert name_of(path) in DOORS.get(library, "").split(), (
            f"{name_of(path)} imports {library}, whose door is {DOORS.get(library, 'unknown')}"
        )


@EACH
def test_nothing_of_the_tests_comes_into_the_program(path: Path) -> None:
    """
    The program is installed without them. And what it says, a face says, through click.
    """
    assert "tests" not in others(TREES[path])
    called = {
        node.func.id
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert "print" not in called


@pytest.mark.parametrize("name", [*LAYERS["values"].split(), *LAYERS["core"].split()])
def test_the_core_only_computes(name: str) -> None:
    """
    No clock, no network, no disk: the same words in, the same answer out, on any day.
    """
    tree = TREES[ROOT / f"{name}.py"]
    reached = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert others(tree) <= COMPUTING
    forbidden = OUTSIDE_WORLD - OWN_REASONS.get(name, set())
    assert not {found for found in imports(tree) if found in forbidden}
    assert not reached & CLOCKS


def test_edges_are_all_of_the_edges() -> None:
    """
    An edge that the rule forgot could import any other.
    """
    assert sorted(" ".join(EDGES).split()) == sorted(LAYERS["edges"].split())
