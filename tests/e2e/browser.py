"""A person at the Temporal UI: a real Chromium that reads a run's page and sends signals."""

import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import FrameLocator, Locator, Page, async_playwright, expect

PATIENCE_MS = 15_000
CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    "",
)
# Without these a closed network refuses its background connections, many at a time.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Person:
    """Somebody with a browser on the UI.

    Attributes:
        ui: Address of the UI.
        page: The browser's tab.
    """

    ui: str
    page: Page

    async def read(self, run_id: str, *, shows: str) -> FrameLocator:
        """Open the page that a run shows of itself, and return what is rendered there.

        Args:
            run_id: The run.
            shows: A heading that it must come to show.
        """
        await self._open(run_id)
        await self.page.get_by_role("tab", name="User Metadata").click()
        details = self.page.frame_locator('iframe[title="output"]').last
        await expect(details.get_by_role("heading", name=shows)).to_be_visible()
        return details

    async def send(
        self,
        run_id: str,
        signal: str,
        payload: dict[str, Any] | None = None,
        *,
        listed: bool = True,
    ) -> None:
        """Send a signal by the UI's dialog, which stays empty without a `payload`.

        Args:
            run_id: The run.
            signal: Its name, chosen from the list.
            payload: What is written into the dialog.
            listed: False where the UI cannot read the list: the name is typed.
        """
        await self._open(run_id)
        dialog = await self.dialog(signal, listed=listed)
        if payload is not None:
            editor = dialog.get_by_role("textbox").last
            # Filled, not typed: the editor closes brackets by itself. Left before the click: it
            # then spreads the JSON over lines, and the button would move away under the mouse.
            await editor.fill(json.dumps(payload))
            await editor.blur()
        await dialog.get_by_role("button", name="Submit").click()
        await expect(dialog).to_be_hidden()

    async def dialog(self, signal: str, *, listed: bool = True) -> Locator:
        """Open the dialog of a run's page, and choose `signal` in its list, or type it."""
        await self.page.get_by_role("button", name="More Actions").click()
        await self.page.get_by_role("menuitem", name="Send a Signal").click()
        dialog = self.page.get_by_role("dialog", name="Send a Signal")
        if not listed:
            await dialog.get_by_role("textbox").first.fill(signal)
            return dialog
        await dialog.locator("button[aria-haspopup]").first.click()
        await dialog.get_by_role("option", name=signal, exact=True).click()
        return dialog

    async def _open(self, run_id: str) -> None:
        await self.page.goto(f"{self.ui}/namespaces/default/workflows/{run_id}")


@asynccontextmanager
async def person(ui: str, width: int = 1400, height: int = 1000) -> AsyncGenerator[Person]:
    """Start a browser on the UI at `ui`; it ends with the context."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PATIENCE_MS)
        yield Person(ui, page)
        await browser.close()
