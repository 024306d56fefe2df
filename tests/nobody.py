"""The program as another user, who has no rights: only root can become one."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import Program

ID = 65_534
BECOME = ("setpriv", f"--reuid={ID}", f"--regid={ID}", "--clear-groups")
_SPAWNS = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
_ROOT = Path(__file__).resolve().parents[1]


@functools.cache
def python() -> str | None:
    """An interpreter of our version that the other user may run; None where there is none.

    The tests' own may lie in a home that is closed to others.
    """
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return None
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if Path(path).exists():
            told = [*BECOME, path, "-c", _SPAWNS]
            if subprocess.run(told, check=False, capture_output=True).returncode == 0:
                return path
    return None


needed = pytest.mark.skipif(python() is None, reason="needs root, and a Python for others")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others reach: pytest keeps its own to itself."""
    with tempfile.TemporaryDirectory(prefix="verifier-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def give(program: Program, folder: Path) -> None:
    """Move the program to *folder*, where everything belongs to the other user, who runs it."""
    if program.folder != folder:
        shutil.copytree(program.folder, folder, dirs_exist_ok=True)
        folder.chmod(0o755)
        program.folder = folder
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, ID, ID)
    program.before = BECOME
    program.python = python() or sys.executable
    code = os.pathsep.join([str(_ROOT), sysconfig.get_paths()["purelib"]])
    program.more = {"PYTHONPATH": code, "PYTHONDONTWRITEBYTECODE": "1"}
