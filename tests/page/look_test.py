"""How it looks: pictures for people in build/screenshots, and what a machine can say of them."""

import pytest
from conftest import Watched
from vector_boot_tools.testing import eventually

LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 760}, "device_scale_factor": 2},
}
looks = pytest.mark.parametrize("options", LOOKS.values(), ids=LOOKS)


@looks
def test_pictures(tab: Watched, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.id
    page = tab.open()
    tab.shoot(f"{name}-welcome")
    page.click("#open-settings")
    page.fill("#temperature", "0")
    tab.shoot(f"{name}-settings")
    page.keyboard.press("Escape")
    page.fill("#question", "Write a Python function that adds two numbers. Then explain it in a short list.")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Regenerate").wait_for()
    tab.shoot(f"{name}-chat")
    page.get_by_role("tab", name="Boot").click()
    eventually(lambda: page.evaluate("document.getElementById('timeline').naturalWidth > 0"), "the picture")
    tab.shoot(f"{name}-timeline")
    page.get_by_role("tab", name="Log").click()
    page.locator("#lines p").first.wait_for()
    tab.shoot(f"{name}-logs")
