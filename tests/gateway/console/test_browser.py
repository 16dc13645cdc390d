"""The console in Chromium, over a real socket and a real record, by keyboard alone where it counts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from jobs.record import holds, jobs
from tests.gateway.console.town import CANARY, SCENARIO, Town

pytestmark = pytest.mark.browser

WIDE, NARROW = 1280, 390
MOST_TABS = 60


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody at a browser; everything that the browser asked for and complained of is kept."""

    page: Page
    address: str
    town: Town
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self, person: str, lang: str = "en") -> None:
        self.page.context.clear_cookies()
        self.open(f"/console/login?lang={lang}")
        self.page.locator("#token").fill(self.town.tokens[person])
        with self.page.expect_navigation():  # the page that it leaves has a heading, too
            self.page.keyboard.press("Enter")
        expect(self.page.locator("h1")).to_be_visible()

    def tab_to(self, selector: str) -> None:
        """Press Tab until the focus is on `selector`, as somebody without a mouse does."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
        raise AssertionError(f"the keyboard does not reach {selector}")

    def type(self, selector: str, text: str) -> None:
        self.tab_to(selector)
        self.page.keyboard.type(text)

    def press(self, selector: str, key: str) -> None:
        self.tab_to(selector)
        self.page.keyboard.press(key)

    def follow(self, selector: str) -> None:
        """Go with the keyboard to a link or a button that leads to another page, and press Enter."""
        self.tab_to(selector)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")


@pytest.fixture
def reader(browser: Browser, address: str, town: Town) -> Iterator[Reader]:
    context = browser.new_context(viewport={"width": WIDE, "height": 900})
    made = Reader(context.new_page(), address, town)
    made.watch()
    yield made
    context.close()
    hosts = {urlsplit(url).netloc for url in made.asked}
    assert hosts <= {urlsplit(address).netloc}, hosts
    # a browser reports each answer that is not a page of success; nothing else may be said
    odd = [each for each in made.complaints if "Failed to load resource" not in each]
    assert odd == []


def test_a_held_output_is_judged_by_keyboard_alone_by_the_operator_and_then_by_security(
    reader: Reader,
) -> None:
    job = reader.town.jobs["held"]
    page = reader.page

    reader.sign_in("u-op")
    reader.follow(".tabs a[href='/console/review']")
    reader.follow(f"a[href='/console/review/{job}']")
    expect(page.locator("main")).to_contain_text(CANARY)
    for part in ("compliance", "safety", "consistency", "reason"):
        reader.type(f"#{part}", f"{part} is right")
    reader.press("input[name='vote']", "Space")
    reader.press("input[name='read']", "Space")
    reader.follow("main button")
    expect(page.locator(".notice.good")).to_have_text(
        "The verdict was signed and is in the record."
    )

    reader.sign_in("u-sec")
    reader.follow("main a[href='/console/review']")
    reader.follow(f"a[href='/console/review/{job}']")
    expect(page.locator("#compliance")).to_have_count(0)
    reader.type("#reason", "nothing singles anybody out")
    reader.press("input[name='vote']", "Space")
    reader.press("input[name='read']", "Space")
    reader.follow("main button")
    expect(page.locator(".notice.good")).to_be_visible()

    with reader.town.record.reading() as tx:
        said = holds.verdicts(tx, job, 1)
        assert jobs.get(tx, job).state == "approved"
    assert [(each.person, each.vote) for each in said] == [("u-op", "pass"), ("u-sec", "pass")]
    assert said[0].safety == "safety is right"


def test_the_browser_itself_asks_for_a_verdicts_missing_words(reader: Reader) -> None:
    reader.sign_in("u-op")
    reader.open(f"/console/review/{reader.town.jobs['held']}")

    reader.page.locator("main button").click()

    assert reader.page.url.endswith(reader.town.jobs["held"])
    assert reader.page.evaluate("document.activeElement.id") == "compliance"


def test_the_first_tab_offers_to_skip_to_the_content_and_the_focus_is_seen(reader: Reader) -> None:
    reader.sign_in("u-sec")
    page = reader.page

    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    expect(skip).to_have_class("skip")
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.closest('main') !== null")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_wrong_token_is_told_so_beside_its_field(reader: Reader) -> None:
    reader.open("/console")
    reader.page.locator("#token").fill("shuyu_wrong")
    reader.page.keyboard.press("Enter")

    expect(reader.page.locator("[role=alert]")).to_contain_text("令牌无效、已过期或已撤销")
    expect(reader.page.locator("#token")).to_have_attribute("aria-describedby", "failed")


def test_the_language_is_switched_and_kept(reader: Reader) -> None:
    reader.sign_in("u-sec", lang="zh")
    page = reader.page
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("h1")).to_have_text("待办事项")

    page.get_by_role("link", name="English").click()
    page.get_by_role("link", name="Egress log").click()

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_have_text("Egress log")


def test_the_egress_log_is_searched_in_the_browser(reader: Reader) -> None:
    reader.sign_in("u-audit")
    reader.page.get_by_role("link", name="Egress log").click()
    page, ids = reader.page, reader.town.jobs

    page.get_by_label("Verdict", exact=True).select_option("blocked")
    page.get_by_label("Rule", exact=True).fill("egress.raw_rows")
    page.get_by_role("button", name="Search").click()

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text(ids["blocked"])
    expect(page.get_by_label("Verdict", exact=True)).to_have_value("blocked")


def test_a_developer_finds_why_a_job_was_refused_and_nobody_elses_jobs(reader: Reader) -> None:
    reader.sign_in("u-bank-dev")
    page, ids = reader.page, reader.town.jobs

    page.get_by_role("link", name="jobs were refused or blocked").click()
    listed = page.content()
    page.get_by_role("link", name=ids["refused"]).click()

    expect(page.locator(".reason")).to_contain_text("leave the column out of the query")
    assert ids["rival"] not in listed
    assert CANARY not in listed + page.content()


def test_a_scenario_is_suspended_by_keyboard_alone(reader: Reader) -> None:
    reader.sign_in("u-lead")
    reader.open(f"/console/scenarios/{SCENARIO}")

    reader.press("details:first-of-type > summary", "Enter")
    reader.type("details[open] textarea", "used beyond what is necessary")
    reader.follow("details[open] button")

    expect(reader.page.locator(".notice.good")).to_be_visible()
    expect(reader.page.locator(".title .badge")).to_have_text("Suspended")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_page_is_wider_than_its_screen_and_every_field_has_its_label(
    reader: Reader, lang: str
) -> None:
    job = reader.town.jobs
    pages = {
        "u-sec": ("", "/review", f"/review/{job['held']}", "/egress", f"/scenarios/{SCENARIO}"),
        "u-op": (f"/review/{job['held']}", "/scenarios", "/budgets"),
        "u-bank-dev": ("/jobs", f"/jobs/{job['refused']}", f"/jobs/{job['released']}"),
    }

    for person, paths in pages.items():
        reader.sign_in(person, lang)
        for path in paths:
            reader.open(f"/console{path}")
            assert _unlabelled(reader.page) == 0, path
            for width in (NARROW, WIDE):
                reader.page.set_viewport_size({"width": width, "height": 800})
                assert _spill(reader.page) <= 0, (path, width)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa(
    browser: Browser, address: str, town: Town, scheme: str
) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    reader = Reader(context.new_page(), address, town)

    for person, path in (
        ("u-op", f"/review/{town.jobs['held']}"),
        ("u-sec", "/review"),
        ("u-audit", "/egress"),
        ("u-bank-dev", "/jobs"),
        ("u-lead", f"/scenarios/{SCENARIO}"),
    ):
        reader.sign_in(person)
        reader.open(f"/console{path}")
        assert reader.page.evaluate(FAINT) == [], path
    reader.page.evaluate(HIDE_THE_TITLE)
    assert len(reader.page.evaluate(FAINT)) == 1, "the measure itself does not see faint text"
    context.close()


def _spill(page: Page) -> int:
    wide: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return wide


def _unlabelled(page: Page) -> int:
    fields = "input:not([type=hidden]), select, textarea"
    count: int = page.evaluate(
        "all => [...document.querySelectorAll(all)].filter(one => !one.labels.length).length",
        fields,
    )
    return count


HIDE_THE_TITLE = """
() => {
  document.querySelector('h1').style.color = getComputedStyle(document.body).backgroundColor;
}
"""
FAINT = """
() => {
  // WCAG 2.2, 1.4.3: relative luminance, and the ratio of text to the ground that lies under it
  const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter(one =>
    [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()) &&
    one.checkVisibility());
  return texts.filter(one => {
    const [a, b] = [light(rgba(getComputedStyle(one).color)), light(ground(one))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  }).map(one => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 30)}`);
}
"""
