"""What a page must not do, at any size and in any language: scroll sideways, cut off text, let controls overlap."""

from playwright.sync_api import Page

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
CLIPPED = """() => [...document.querySelectorAll('body *:not(input)')]
  .filter(one => one.checkVisibility() && !one.closest('.unseen, .skip, svg'))
  .filter(one => {
    const {overflowX, overflowY, clipPath} = getComputedStyle(one);
    if (clipPath === 'inset(50%)') return false; // only read out
    const cut = way => way === 'hidden' || way === 'clip';
    const [wide, high] = [one.scrollWidth > one.clientWidth + 1, one.scrollHeight > one.clientHeight + 1];
    return cut(overflowX) && wide || cut(overflowY) && high;
  })
  .map(one => one.outerHTML.slice(0, 160))"""
"""Elements whose content is larger than they are, and cut. (One can move about in the text of an input.)"""
SPILT = """() => {
  const over = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    let box = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !box.checkVisibility()) continue;
    if (box.closest('.unseen, .skip, svg, select') || getComputedStyle(box).clipPath === 'inset(50%)') continue;
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    const text = range.getBoundingClientRect();
    while (getComputedStyle(box).display === 'inline') box = box.parentElement;
    const frame = box.getBoundingClientRect();
    const [right, down] = [text.right - frame.right, text.bottom - frame.bottom];
    if (right > 1.5 || down > 6) over.push([box.outerHTML.slice(0, 160), right, down]);
  }
  return over;
}"""
"""Texts that stick out of the box that they stand in, to the right or below."""
OVERLAPPING = """() => {
  const controls = [...document.querySelectorAll('a, button, select, textarea, summary, input:not([type=hidden])')]
    .filter(one => one.checkVisibility() && !one.closest('.unseen, .skip, .sticky') && !one.matches('.unseen'));
  const boxes = controls.flatMap(one => [...one.getClientRects()].map(box => [one, box]));
  const over = [];
  boxes.forEach(([one, a], at) => boxes.slice(at + 1).forEach(([other, b]) => {
    if (one === other || one.contains(other) || other.contains(one)) return;
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 1) over.push([one.outerHTML.slice(0, 100), other.outerHTML.slice(0, 100), wide, high]);
  }));
  return over;
}"""
"""Pairs of controls that lie on each other."""
PROBLEMS = {"is cut": CLIPPED, "sticks out": SPILT, "overlap": OVERLAPPING}


def misshapen(page: Page) -> list[str]:
    """What is wrong with the shape of the page as it stands; empty if nothing is."""
    over = page.evaluate(SIDEWAYS)
    found = [f"it is {over} px too wide"] if over > 0 else []
    return found + [f"{what}: {one}" for what, script in PROBLEMS.items() for one in page.evaluate(script)]
