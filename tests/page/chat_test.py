"""The conversation: answers that come as they are written, stop, again, other settings, and nothing but the keyboard."""

import json

from conftest import Watched
from playwright.sync_api import Page, Route, expect
from vector_boot_tools.testing import eventually

LONG = "Count from one to two hundred, one number a line."


def ask(page: Page, text: str, **settings: str) -> None:
    if settings:
        page.click("#open-settings")
        for name, value in settings.items():
            page.fill(f"#{name}", value)
        page.keyboard.press("Escape")
    page.fill("#question", text)
    page.keyboard.press("Enter")


def answer(page: Page) -> str:
    """The last one, once it is whole."""
    page.get_by_role("button", name="Regenerate").wait_for()
    return page.locator(".message.assistant .body").last.inner_text()


def test_an_answer_comes_piece_by_piece_and_can_be_stopped(page: Page) -> None:
    ask(page, LONG, temperature="0")
    body = page.locator(".message.assistant.busy .body")
    eventually(lambda: len(body.inner_text()) > 3, "the first words, before the answer has ended")
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("stopped", exact=False).last.wait_for()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    running = "fetch('status').then((reply) => reply.json()).then((status) => status.requests.running)"
    eventually(lambda: page.evaluate(running) == 0, "the end of the work for the stopped answer")


def test_regenerate_replaces_the_answer_only(page: Page) -> None:
    ask(page, "Say hello.", temperature="0", max_tokens="8")
    first = answer(page)
    with page.expect_request("**/v1/chat/completions") as asked:
        page.get_by_role("button", name="Regenerate").click()
    sent = json.loads(asked.value.post_data or "")
    assert [message["role"] for message in sent["messages"]] == ["user"], "the old answer was sent along"
    assert answer(page) == first
    assert page.locator(".message").count() == 2


def test_settings_are_sent_and_kept(page: Page) -> None:
    settings = {"system": "You are a pirate.", "temperature": "0", "top_p": "0.5", "max_tokens": "5", "seed": "7"}
    with page.expect_request("**/v1/chat/completions") as asked:
        ask(page, "Who are you?", **settings)
    sent = json.loads(asked.value.post_data or "")
    assert sent["messages"][0] == {"role": "system", "content": "You are a pirate."}
    assert (sent["temperature"], sent["top_p"], sent["max_tokens"], sent["seed"]) == (0, 0.5, 5, 7)
    assert (sent["min_p"], sent["top_k"], sent["stream"]) == (0.05, 40, True)
    text = answer(page)
    assert "5 tokens" in page.locator(".figures").inner_text()

    page.reload()
    assert answer(page) == text, "the conversation is kept in the tab"
    assert page.locator("#system").input_value() == "You are a pirate."
    page.get_by_role("button", name="New chat").click()
    expect(page.locator("#welcome")).to_be_visible()
    page.click("#open-settings")
    page.get_by_role("button", name="Reset").click()
    eventually(lambda: page.locator("#max_tokens").input_value() == "", "the settings as they were")


def test_a_question_can_be_written_anew(page: Page) -> None:
    ask(page, "Say hello.", temperature="0", max_tokens="3")
    answer(page)
    page.get_by_role("button", name="Edit").click()
    assert page.locator("#question").input_value() == "Say hello."
    assert page.locator(".message").count() == 0


def test_with_the_keyboard_only(page: Page) -> None:
    keyboard = page.keyboard
    expect(page.locator("#question")).to_be_focused()
    keyboard.type("Count")
    keyboard.press("Shift+Enter")
    keyboard.type("from one to two hundred.")
    assert page.locator("#question").input_value() == "Count\nfrom one to two hundred."
    keyboard.press("Enter")
    eventually(lambda: len(page.locator(".message.busy .body").inner_text()) > 3, "the first words")
    keyboard.press("Escape")
    page.get_by_role("button", name="Regenerate").wait_for()

    seen = list[str]()
    while not seen or seen[-1] != "Skip to the question":
        assert len(seen) < 30, f"no way back to the beginning: {seen}"
        keyboard.press("Shift+Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim()"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"nobody sees that {seen[-1]} has the focus"
    assert {"Edit", "Copy", "Regenerate"} <= set(seen)
    keyboard.press("Tab")
    expect(page.get_by_role("tab", name="Chat")).to_be_focused()
    keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Boot")).to_be_focused()
    expect(page.locator("#view-boot")).to_be_visible()
    keyboard.press("ArrowLeft")
    expect(page.locator("#view-chat")).to_be_visible()
    keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    expect(page.locator("#question")).to_be_focused()


def fulfil_stream(route: Route, text: str) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
    route.fulfill(status=200, content_type="text/event-stream", body=body)


def test_what_the_model_writes_is_text(page: Page) -> None:
    evil = "<img src=x onerror=alert(1)> **bold** `a < b`\n\n```html\n<script>alert(1)</script>\n```\n\n1. one\n2. two"
    page.route("**/v1/chat/completions", lambda route: fulfil_stream(route, evil))
    ask(page, "Attack!")
    text = answer(page)
    assert "<img src=x onerror=alert(1)>" in text and "<script>alert(1)</script>" in text
    body = page.locator(".message.assistant .body")
    assert body.locator("img, script").count() == 0
    assert body.locator("strong").inner_text() == "bold"
    assert body.locator("p code").inner_text() == "a < b"
    assert body.locator("ol li").all_inner_texts() == ["one", "two"]


def test_an_error_is_shown_and_can_be_tried_again(tab: Watched) -> None:
    page = tab.open()
    error = {"error": {"message": "the queue is full", "type": "server_error", "param": None, "code": None}}
    reply = {"status": 429, "content_type": "application/json", "body": json.dumps(error)}
    page.route("**/v1/chat/completions", lambda route: route.fulfill(**reply), times=1)
    ask(page, "Say hello.", temperature="0", max_tokens="3")
    page.locator(".message.error").get_by_text("the queue is full").wait_for()
    page.get_by_role("button", name="Try again").click()
    assert answer(page)
    tab.errors = [text for text in tab.errors if "429" not in text]  # the browser's own line about it


def test_a_key_is_asked_for_where_the_server_wants_one(tab: Watched) -> None:
    keys = list[str | None]()

    def guard(route: Route) -> None:
        keys.append(route.request.headers.get("authorization"))
        if keys[-1] == "Bearer secret":
            route.continue_()
        else:
            route.fulfill(status=401, content_type="application/json", body='{"error":{"message":"no key"}}')

    page = tab.page
    for path in ("v1/**", "status", "logs*", "timeline*"):
        page.route(f"**/{path}", guard)
    page.goto(tab.origin)
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    page.get_by_label("API key").fill("wrong")
    page.keyboard.press("Enter")
    dialog.get_by_text("That key was refused.").wait_for()
    page.get_by_label("API key").fill("secret")
    page.keyboard.press("Enter")
    page.locator("#state[data-state=ready]").wait_for()
    ask(page, "Say hello.", temperature="0", max_tokens="3")
    assert answer(page)
    assert keys[0] is None and "Bearer wrong" in keys and keys[-1] == "Bearer secret"
    tab.errors = [text for text in tab.errors if "401" not in text]
