"""What axe-core finds wrong with a page for people who cannot see it, or use no mouse."""

from __future__ import annotations

from playwright.async_api import Page

from query_api.web.pages import DIST

AXE = DIST.parent / "node_modules" / "axe-core" / "axe.min.js"


async def violations(page: Page) -> list[tuple[str, list[str]]]:
    """Each rule that is broken, and the elements that break it. The page bypasses its CSP, which
    lets no script in."""
    await page.add_script_tag(path=AXE)
    found = await page.evaluate("axe.run().then(({ violations }) => violations)")
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]
