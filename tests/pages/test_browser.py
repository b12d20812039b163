"""The pages in a real browser: they draw, fit a phone, load nothing and run nothing."""

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from commands.pages import audit_page, run_page, several_page
from tests.pages.cases import HARM, audited, foreign, ran
from tests.pages.test_several import around, result_of

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in _NAMES if (found := shutil.which(name))), None)
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
async def browser() -> AsyncGenerator[Browser]:
    """The machine's own Chromium."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield opened
        await opened.close()


class Visit:
    """A page that was opened, and everything it complained of or asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    async def open(self, html: str, folder: Path) -> None:
        """Open `html` as the file that it is."""
        path = folder / "page.html"
        path.write_text(html, encoding="utf-8")
        await self.page.goto(path.as_uri())


async def test_a_finding_is_drawn(browser: Browser, tmp_path: Path) -> None:
    """Every finding's plot has a line with a size, and the page has nothing to complain of."""
    result = audited(tmp_path)
    visit = Visit(await browser.new_page())

    await visit.open(audit_page(result), tmp_path)

    lines = visit.page.locator("article svg path.line")
    assert await lines.count() == len(result.findings) + len(result.needs_review)
    for at in range(await lines.count()):
        box = await lines.nth(at).bounding_box()
        assert box is not None
        assert box["width"] > 300
    assert not visit.complaints
    assert all(url.startswith(("file:", "data:")) for url in visit.requests)
    await visit.page.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_page_fits_its_window(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    """On a phone and on a desk nothing hangs out of the window, whatever the text."""
    page = await browser.new_page(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    visit = Visit(page)
    hostile, state = ran(HARM.replace(" ", "") * 3)
    pages = (
        audit_page(audited(tmp_path)),
        audit_page(foreign(HARM.replace(" ", ""))),
        run_page(hostile, state, around=around("word")),
        several_page(result_of(HARM.replace(" ", "")), around(HARM.replace(" ", ""))),
    )

    for html in pages:
        await visit.open(html, tmp_path)

        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.close()


async def test_foreign_text_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    """Scripts and images in a ledger, a reason or a transcript are text in the browser too."""
    visit = Visit(await browser.new_page())
    result, state = ran(HARM)

    for html in (audit_page(foreign(HARM)), run_page(result, state)):
        await visit.open(html, tmp_path)

        assert await visit.page.evaluate("window.hit") is None
        assert await visit.page.locator("script, img, iframe").count() == 0
    assert not visit.complaints
    assert all(url.startswith(("file:", "data:")) for url in visit.requests)
    await visit.page.close()


@pytest.mark.requirement("C6.3:page-browser")
async def test_a_long_run_is_read_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    """What is folded opens with Enter; a bar of the picture leads to its turn; it prints whole."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    visit = Visit(page)
    result, state = ran("word", turns=120)
    await visit.open(run_page(result, state, around=around("word")), tmp_path)
    groups = page.locator("details.group")

    await groups.first.locator(":scope > summary").focus()
    await page.keyboard.press("Enter")

    assert await groups.count() == 5
    assert await page.locator("#turn-1").is_visible()
    assert await page.locator("figure.timeline svg a").count() == 0  # no history told which turn
    assert await page.locator("figure.timeline rect").count() > 3
    await page.emulate_media(media="print")
    assert await page.locator("#turn-30 .said").is_visible()
    assert not visit.complaints
    await page.close()
