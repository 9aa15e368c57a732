"""Where the browser tests find a Chromium and axe-core, and what they do when there is none."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
AXE = "axe-core@4.14.1"


def missing(what: str) -> NoReturn:
    """Skip for want of a browser; fail where continuous integration has promised one."""
    required = os.environ.get("RARESIM_BROWSER_TESTS") == "required"
    if required and os.environ.get("CI") == "true":
        pytest.fail(f"RARESIM_BROWSER_TESTS=required, but {what}")
    pytest.skip(what)


@contextmanager
def chromium() -> Iterator[Any]:
    """Open the Chromium of this computer, headless; no browser is downloaded."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        missing(f"there is no browser here: none of {', '.join(NAMES)} is on the path")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the Python package playwright is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


def axe(folder: Path) -> str:
    """Fetch axe-core (MPL-2.0, not part of this repository) and return its source."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("axe-core: npm is not installed")
    command = [npm, "install", AXE, "--prefix", str(folder), "--ignore-scripts", "--no-save"]
    command += ["--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=20000"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("axe-core: npm did not get it within a minute")
    if done.returncode:
        said = " ".join(line for line in done.stderr.splitlines() if "error" in line)[:200]
        pytest.skip(f"axe-core: npm could not get it: {said}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
