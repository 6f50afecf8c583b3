"""Looks at every page of a quality report in headless Chromium: `python report_browser.py CHROMIUM FOLDER PICTURES`.

Run by the interop environment's Python, which has playwright and nothing of the platform. Prints what it saw as JSON;
whether that is right is for the test to say.
"""

import json
import sys
from pathlib import Path
from typing import Any

from browser import FLAGS
from playwright.sync_api import Browser, Page, sync_playwright

WIDE = (1280, 900)
WIDTHS = (1500, 800, 360)
PAPER = 718
"""Pixels between the margins of A4."""
MOST_TABS = 400

STRUCTURE = r"""() => {
  const all = (what, root = document) => [...root.querySelectorAll(what)];
  const named = svg => (svg.getAttribute('aria-labelledby') || '').split(' ')
    .map(id => document.getElementById(id)?.textContent.trim()).filter(Boolean).join(' ');
  const described = svg => document.getElementById(svg.getAttribute('aria-describedby'))?.textContent.trim();
  const levels = all('h1, h2, h3, h4').map(heading => Number(heading.tagName[1]));
  const ids = all('[id]').map(element => element.id);
  return {
    language: document.documentElement.lang,
    title: document.title,
    landmarks: ['header', 'main', 'footer'].filter(name => all(`body > ${name}`).length === 1),
    headings: levels,
    skipped: levels.filter((level, at) => at && level > levels[at - 1] + 1),
    doubled: ids.filter((id, at) => ids.indexOf(id) !== at),
    namelessPictures: all('svg, img')
      .filter(one => one.getAttribute('role') !== 'img' || !named(one) || !described(one)).length,
    pictures: all('svg').length,
    tablesWithoutCaption: all('table').filter(one => !one.caption?.textContent.trim()).length,
    headsWithoutScope: all('th').filter(one => !one.scope).length,
    linksWithoutText: all('a').filter(one => !one.textContent.trim()).length,
    text: document.body.innerText,
    tags: [...new Set(all('*').map(one => one.tagName.toLowerCase()))],
    handlers: all('*').flatMap(one => one.getAttributeNames()).filter(name => name.startsWith('on')),
  };
}"""

CONTRAST = r"""() => {
  const parse = colour => { const found = colour.match(/[\d.]+/g).map(Number);
    return { rgb: found.slice(0, 3), alpha: found.length > 3 ? found[3] : 1 }; };
  const light = rgb => { const [r, g, b] = rgb.map(part => { const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (one, other) => { const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05); };
  const behind = element => { for (let at = element; at; at = at.parentElement) {
    const found = parse(getComputedStyle(at).backgroundColor); if (found.alpha === 1) return found.rgb; }
    return [255, 255, 255]; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = []; let judged = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.textContent.trim() || ['TITLE', 'DESC', 'STYLE'].includes(element.tagName.toUpperCase())) continue;
    if (!element.getClientRects().length) continue;
    const style = getComputedStyle(element), isDrawn = element instanceof SVGElement;
    let back = behind(isDrawn ? element.ownerSVGElement.parentElement : element);
    const square = isDrawn && element.parentElement.querySelector('rect.day');
    if (square) back = parse(getComputedStyle(square).fill).rgb;
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    const wanted = size >= 24 || (size >= 18.66 && bold) ? 3 : 4.5;
    const found = ratio(parse(isDrawn ? style.fill : style.color).rgb, back);
    judged += 1;
    if (found < wanted) poor.push([node.textContent.trim().slice(0, 40), Number(found.toFixed(2))]);
  }
  return { judged, poor };
}"""

FOCUSED = r"""() => {
  const one = document.activeElement; if (!one || one === document.body) return null;
  one.dataset.reached = 'yes';
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  return { name: one.tagName, text: one.textContent.trim().slice(0, 60),
    isSeen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.left >= 0 };
}"""

UNREACHED = """() => [...document.querySelectorAll('a, summary, [role=region]')]
  .filter(one => one.dataset.reached !== 'yes' && one.getClientRects().length)
  .map(one => one.textContent.trim().slice(0, 40))"""

OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

SCROLLED = r"""() => [...document.querySelectorAll('main *')]
  .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth && getComputedStyle(one).display !== 'inline')
  .filter(one => !(one instanceof SVGElement))
  .filter(one => !['TABLE', 'TBODY', 'THEAD', 'TR', 'CAPTION'].includes(one.tagName) && !one.matches('.unseen'))
  .map(one => ({ name: one.getAttribute('aria-label') || `${one.tagName} ${one.textContent.trim().slice(0, 40)}`,
    isReached: one.tabIndex === 0 && getComputedStyle(one).overflowX === 'auto' }))"""


def main(chromium: str, folder: Path, pictures: Path) -> list[dict[str, Any]]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, "--hide-scrollbars"])
        try:
            return [
                _look(browser, path, folder, scheme, pictures)
                for path in sorted(folder.rglob("*.html"))
                for scheme in ("light", "dark")
            ]
        finally:
            browser.close()


def _look(browser: Browser, path: Path, folder: Path, scheme: Any, pictures: Path) -> dict[str, Any]:
    context = browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    name = path.relative_to(folder).as_posix()
    seen = {"page": name, "scheme": scheme, **page.evaluate(STRUCTURE)}
    page.screenshot(path=pictures / f"{path.stem}-{scheme}.png", full_page=True)
    for summary in page.locator("summary").all():
        summary.click()
    seen["contrast"] = page.evaluate(CONTRAST)
    seen["focus"], seen["unreached"] = _tab_through(page)
    seen["tooWide"], seen["cutOff"], seen["scrolled"] = _in_all_widths(page)
    page.screenshot(path=pictures / f"{path.stem}-{scheme}-phone.png", full_page=True)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    seen["beyondPaper"] = page.evaluate(OVERFLOW)
    seen["contrastOnPaper"] = page.evaluate(CONTRAST)
    page.screenshot(path=pictures / f"{path.stem}-{scheme}-paper.png", full_page=True)
    seen["printed"] = len(page.pdf(format="A4"))
    seen["said"], seen["asked"] = said, [url for url in asked if url != path.as_uri()]
    context.close()
    return seen


def _in_all_widths(page: Page) -> tuple[dict[str, int], list[str], dict[str, list[str]]]:
    """Pixels beyond the window, what is cut off for good, and what is scrolled to; the phone's width comes last."""
    too_wide: dict[str, int] = {}
    cut_off: list[str] = []
    scrolled: dict[str, list[str]] = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": WIDE[1]})
        if beyond := page.evaluate(OVERFLOW):
            too_wide[str(width)] = beyond
        parts = page.evaluate(SCROLLED)
        cut_off += [f"{part['name']} at {width}" for part in parts if not part["isReached"]]
        if reached := [part["name"] for part in parts if part["isReached"]]:
            scrolled[str(width)] = reached
    return too_wide, cut_off, scrolled


def _tab_through(page: Page) -> tuple[list[dict[str, Any]], list[str]]:
    """What Tab comes to, in that order, and what it never comes to."""
    page.reload()
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
    focused: list[dict[str, Any]] = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        one = page.evaluate(FOCUSED)
        if one is None:
            break
        focused.append(one)
    return focused, page.evaluate(UNREACHED)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
