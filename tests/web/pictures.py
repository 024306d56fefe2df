"""``make pictures``: the README's three pictures, taken of the demonstration by Chromium.

python -m tests.web.pictures FOLDER
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.program import until

COLOURS = 128
SIZE = {"width": 1100, "height": 780}


@contextmanager
def demonstration(*words: str) -> Iterator[str]:
    """The address of a demonstration that is shown as long as this lasts."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        command = [sys.executable, "-m", "verifier", "demo", *words]
        with subprocess.Popen(command, stdout=told, text=True) as process:

            def address() -> str:
                told.seek(0)
                found = re.search(r"The audit is at (http://\S+/)", told.read())
                return found[1] if found else ""

            try:
                until(lambda: address() or process.poll() is not None, seconds=300)
                yield address()
            finally:
                process.terminate()


def take(page: Page, target: Path) -> None:
    """The browser's window as a small PNG."""
    seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    few = seen.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(target, optimize=True)
    sys.stdout.write(f"{target}: {target.stat().st_size // 1000} kB\n")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("This needs Debian's chromium: apt install chromium")
    with demonstration() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        page.goto(address)
        take(page, folder / "home.png")
        page.goto(f"{address}audit/audit/chronicle-homeless")
        take(page, folder / "source.png")
        page.goto(f"{address}audit/audit/inquiry-1911")
        page.locator('a[href*="/-/archived/"]').first.click()
        page.frame_locator("iframe").locator("mark").first.wait_for()
        take(page, folder / "copy.png")
        browser.close()


if __name__ == "__main__":
    main()
