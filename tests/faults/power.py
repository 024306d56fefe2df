"""A disk that forgets what was not synced, for one folder of a program's.

    disk = Disk(folder, beside)         # everything in *folder* counts as synced
    ... run the program with disk.environment(die_at=37) ...
    disk.cut(random)                    # what a power cut leaves in *folder*

Kept is what `shim.c` saw synced: the content of files at their last fsync, and the names in
folders at theirs. Of what was written since then each block may have reached the disk or not, and
of names that were made or removed since then each may be there or not: the worst that a disk
may do by POSIX.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from random import Random

SHIM = Path(__file__).with_name("shim.c")
COMPILER = shutil.which("cc") or shutil.which("gcc")
BLOCK = 512


def built(folder: Path) -> Path:
    """The shim, compiled."""
    assert COMPILER is not None
    library = folder / "shim.so"
    words = [COMPILER, "-shared", "-fPIC", "-O1", "-o", str(library), str(SHIM), "-ldl"]
    subprocess.run(words, check=True)
    return library


class Disk:
    """What is certain to be left of *folder* after a power cut; kept in *beside*."""

    def __init__(self, folder: Path, beside: Path, library: Path) -> None:
        self._folder, self._beside, self._library = folder, beside, library
        folder.mkdir(parents=True, exist_ok=True)
        self.settle()

    def settle(self) -> None:
        """Count everything that is there as synced."""
        shutil.rmtree(self._beside, ignore_errors=True)
        (self._beside / "inodes").mkdir(parents=True)
        (self._beside / "dirs").mkdir()
        for path in [self._folder, *self._folder.rglob("*")]:
            number = path.stat().st_ino
            if path.is_dir():
                names = "".join(f"{one.stat().st_ino} {one.name}\n" for one in path.iterdir())
                (self._beside / "dirs" / str(number)).write_text(names)
            else:
                shutil.copyfile(path, self._beside / "inodes" / str(number))

    def environment(self, die_at: int = 0) -> dict[str, str]:
        """What loads the shim into a program."""
        return {
            "LD_PRELOAD": str(self._library),
            "POWER_ROOT": str(self._folder),
            "POWER_DISK": str(self._beside),
            "POWER_DIE_AT": str(die_at),
        }

    @property
    def changes(self) -> int:
        """How many changes the last program made."""
        (count,) = struct.unpack("@l", (self._beside / "changes").read_bytes())
        return int(count)

    def cut(self, chance: Random) -> None:
        """Leave of the folder what a power cut at this moment leaves, once the program is dead."""
        after = self._folder.with_name(self._folder.name + ".after")
        self._restore(self._folder, after, chance)
        shutil.rmtree(self._folder)
        after.rename(self._folder)

    def _restore(self, now: Path, after: Path, chance: Random) -> None:
        after.mkdir()
        synced = self._names(now)
        there = {one.name: str(one.stat().st_ino) for one in now.iterdir()}
        for name in sorted({*synced, *there}):
            number = chance.choice((synced.get(name), there.get(name)))
            if number is None or name.endswith("-shm"):  # shared memory: no disk has it
                continue
            path, is_live = now / name, number == there.get(name)
            if is_live and path.is_dir():
                self._restore(path, after / name, chance)
            else:
                live = path.read_bytes() if is_live else None
                (after / name).write_bytes(self._content(number, live, chance))

    def _names(self, folder: Path) -> dict[str, str]:
        """The names in a folder when it was last synced, each with the number of its file."""
        listed = self._beside / "dirs" / str(folder.stat().st_ino)
        names: dict[str, str] = {}
        for line in listed.read_text().splitlines() if listed.exists() else []:
            number, _, name = line.partition(" ")
            names[name] = number
        return names

    def _content(self, number: str, live: bytes | None, chance: Random) -> bytes:
        kept = self._beside / "inodes" / number
        synced = kept.read_bytes() if kept.exists() else b""
        if live is None or live == synced:
            return synced
        mood = chance.random()  # of the disk: nothing more, everything, or any block of it
        if mood < 0.4:
            return synced
        if mood > 0.9:
            return live
        shorter, longer = sorted((len(synced), len(live)))
        length = chance.choice((len(synced), len(live), chance.randint(shorter, longer)))
        blocks = []
        for at in range(0, length, BLOCK):
            block = chance.choice((synced, live))[at : at + BLOCK]
            blocks.append(block.ljust(BLOCK, b"\0"))
        return b"".join(blocks)[:length]
