"""The web page in Debian's Chromium, on the real server with the real model."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from vector_boot_tools.model import default_model
from vector_boot_tools.places import CHECKOUT
from vector_boot_tools.python_packages import installed
from vector_boot_tools.testing import LOOPBACK, Started

sys.path.insert(0, str(installed(Path(__file__).parent / "requirements.txt")))

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium-headless-shell"
SCREENSHOTS = CHECKOUT / "build" / "screenshots"


@pytest.fixture(scope="session")
def serving() -> Iterator[Started]:
    with Started.vector_boot(default_model()) as one:
        one.client().answer("Hi", max_tokens=1)
        yield one


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield one
        one.close()


class Watched:
    """A tab, and what it must not do."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.origin = origin
        self.page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.errors = list[str]()
        self.requests = list[str]()
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self) -> Page:
        self.page.goto(self.origin)
        self.page.locator("#state[data-state=ready]").wait_for()
        return self.page

    def shoot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def check(self) -> None:
        assert not self.errors
        foreign = [url for url in self.requests if not url.startswith((self.origin, "blob:"))]
        assert not foreign, "a request left the origin"


@pytest.fixture
def options() -> dict[str, object]:
    """Of the browser's context; a test may have its own by parametrization."""
    return {}


@pytest.fixture
def tab(browser: Browser, serving: Started, options: dict[str, object]) -> Iterator[Watched]:
    context = browser.new_context(**{"viewport": {"width": 1180, "height": 800}, "locale": "en-GB", **options})
    one = Watched(context, f"http://{LOOPBACK}:{serving.port}/")
    yield one
    one.check()
    context.close()


@pytest.fixture
def page(tab: Watched) -> Page:
    return tab.open()
