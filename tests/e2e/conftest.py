"""A browser and the system it calls; where there is no browser the tests say so, except in CI, where they must run."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright

from tests.e2e.system import System, running_system

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FETCH_S = 240


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system, once for all tests."""
    with running_system(tmp_path_factory.mktemp("system")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium: one that is installed, playwright's own, or one fetched now."""
    with sync_playwright() as playwright:
        try:
            chromium = launch(playwright)
        except Error as exc:
            if os.environ.get("CI"):
                raise
            first_line = str(exc).strip().splitlines()[0]
            pytest.skip(f"no Chromium is installed and none could be fetched ({first_line})")
        yield chromium
        chromium.close()


def launch(playwright: Playwright) -> Browser:
    installed = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    try:
        return playwright.chromium.launch(executable_path=installed, headless=True)
    except Error:
        if installed is not None:
            raise
    with contextlib.suppress(subprocess.SubprocessError):
        fetch = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(fetch, capture_output=True, timeout=FETCH_S, check=False)
    return playwright.chromium.launch(headless=True)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page; whatever goes wrong in its scripts fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.set_default_timeout(20_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert [] == faults
