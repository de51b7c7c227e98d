"""What the page says of the machine: state, boot, log; what it loads, and how it can be read."""

import urllib.request

from conftest import Watched
from playwright.sync_api import Page, expect
from vector_boot_tools.testing import eventually

MOST_BYTES = 100_000


def test_the_state_is_the_servers(page: Page) -> None:
    expect(page.locator("#state-text")).to_have_text("model · ready")
    expect(page.locator("#running")).to_have_text("0")
    expect(page.locator("#uptime")).to_contain_text("s")


def test_the_boot_is_a_picture_with_words(page: Page) -> None:
    page.get_by_role("tab", name="Boot").click()
    picture = page.locator("#timeline")
    eventually(lambda: picture.evaluate("image => image.naturalWidth > 0"), "the picture")
    assert str(picture.get_attribute("src")).startswith("blob:")
    assert "The first token came after" in str(picture.get_attribute("alt"))
    assert "engine: vocabulary" in str(page.locator("#timeline-text").text_content())
    expect(page.locator("#facts")).to_contain_text("Parameters135 M")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as a Chrome trace").click()
    assert b"traceEvents" in saved.value.path().read_bytes()


def test_the_log_is_shown_and_followed_only_while_it_is_looked_at(tab: Watched) -> None:
    page = tab.open()
    assert not [url for url in tab.requests if "/logs" in url]
    page.get_by_role("tab", name="Log").click()
    page.locator("#lines").get_by_text("serving model").wait_for()
    asked = len([url for url in tab.requests if "/logs" in url])
    eventually(lambda: page.evaluate("1") and len([u for u in tab.requests if "/logs" in u]) > asked, "another look")
    page.get_by_role("tab", name="Chat").click()
    assert page.locator("#lines p").count() == page.locator("#lines [data-number]").count()


def test_a_server_that_is_gone_is_told(tab: Watched) -> None:
    page = tab.open()
    page.route("**/status", lambda route: route.abort())
    page.locator("#state[data-state=away]").wait_for()
    page.unroute("**/status")
    page.locator("#state[data-state=ready]").wait_for()
    tab.errors = [text for text in tab.errors if "ERR_FAILED" not in text]


def test_the_page_is_small_and_says_what_it_may_do(tab: Watched) -> None:
    page = tab.open()
    files = {url for url in tab.requests if url == tab.origin or "/page/" in url}
    assert len(files) >= 6
    total = 0
    for url in files:
        request = urllib.request.Request(url, headers={"Accept": "text/html"})
        with urllib.request.urlopen(request) as reply:
            total += len(reply.read())
            assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert total < MOST_BYTES
    assert page.evaluate("document.querySelectorAll('script:not([src]), style, [style*=url]').length") == 0


# Name, role and value of what can be operated; contrast of what is read. What a look at the elements can tell.
UNNAMED = """() => [...document.querySelectorAll('button, input, textarea, img, [role=tab]')].filter((one) => {
    const labels = [...(one.labels ?? [])].map((label) => label.textContent).join('');
    const name = one.ariaLabel || labels || one.textContent || one.alt;
    return one.tagName === 'IMG' ? !one.hasAttribute('alt') : !name.trim();
}).map((one) => one.outerHTML)"""
TWICE = """() => [...document.querySelectorAll('[id]')].map((one) => one.id)
    .filter((id, index, all) => all.indexOf(id) !== index)"""
DANGLING = """() => [...document.querySelectorAll('[aria-controls], [aria-labelledby], [aria-describedby], [for]')]
    .flatMap((one) => ['aria-controls', 'aria-labelledby', 'aria-describedby', 'for'].map((name) => one.getAttribute(name)))
    .filter((id) => id && !document.getElementById(id))"""
FAINT = """() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((value) => value / 255)
        .map((value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
    const behind = (one) => {
        for (; one; one = one.parentElement) {
            const colour = channels(getComputedStyle(one).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    return [...document.querySelectorAll('body *')].filter((one) => {
        const hasText = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        if (!hasText || !one.checkVisibility() || one.disabled) return false;
        const pair = [light(channels(getComputedStyle(one).color)), light(behind(one))].sort((a, b) => b - a);
        return (pair[0] + 0.05) / (pair[1] + 0.05) < 4.5;
    }).map((one) => one.outerHTML.slice(0, 120));
}"""


def check_readable(page: Page) -> None:
    for fault in (UNNAMED, TWICE, DANGLING, FAINT):
        assert page.evaluate(fault) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_it_can_be_read_by_everybody(tab: Watched) -> None:
    page = tab.open()
    assert page.get_attribute("html", "lang") == "en"
    assert page.locator("h1").count() == 1
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for view in ("Chat", "Boot", "Log"):
            page.get_by_role("tab", name=view).click()
            check_readable(page)
        page.get_by_role("tab", name="Chat").click()
        page.click("#open-settings")
        check_readable(page)
        page.keyboard.press("Escape")
    assert page.evaluate("getComputedStyle(document.querySelector('.dot')).animationName") == "none"
    page.set_viewport_size({"width": 320, "height": 600})
    check_readable(page)


def test_dark_is_dark(page: Page) -> None:
    def brightness() -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        return sum(colour) // 3

    page.emulate_media(color_scheme="light")
    assert brightness() > 200
    page.emulate_media(color_scheme="dark")
    assert brightness() < 60
