// What a person would stumble over, found by the browser itself. Returns a list of words; empty when all is well.
() => {
  const found = [];
  const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const contrast = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const colour = (text) => {
    const numbers = (text.match(/[\d.]+/g) || []).map(Number);
    return text === "none" || numbers.length < 3 || numbers[3] === 0 ? null : numbers.slice(0, 3);
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const paint = colour(getComputedStyle(one).backgroundColor);
      if (paint) return paint;
    }
    return [255, 255, 255];
  };
  const behindInPicture = (text) => {
    const box = text.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    let paint = behind(text.closest("svg").parentElement || text);
    for (const shape of text.closest("svg").querySelectorAll("rect")) {
      const area = shape.getBoundingClientRect();
      const before = shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (before && area.left <= x && x <= area.right && area.top <= y && y <= area.bottom)
        paint = colour(getComputedStyle(shape).fill) || paint;
    }
    return paint;
  };
  const judge = (front, back, words) => {
    const value = contrast(front, back);
    if (value < 4.5) found.push(`contrast ${value.toFixed(1)}: ${words.trim().slice(0, 40)}`);
  };
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  let texts = 0;
  while (walker.nextNode()) {
    const [node, parent] = [walker.currentNode, walker.currentNode.parentElement];
    if (!node.data.trim() || !parent.checkVisibility() || parent.closest("style, title, desc, head")) continue;
    texts += 1;
    const style = getComputedStyle(parent);
    const picture = parent.closest("text");
    judge(colour(picture ? style.fill : style.color), picture ? behindInPicture(picture) : behind(parent), node.data);
  }
  if (!texts) found.push("no text at all");
  for (const text of document.querySelectorAll("svg.topo text")) {
    const [box, edge] = [text.getBoundingClientRect(), text.closest("svg").getBoundingClientRect()];
    if (box.left < edge.left - 1 || box.right > edge.right + 1) found.push(`cut off: ${text.textContent}`);
  }
  const signs = { ok: "✓", wrong: "✗", silent: "✗", untried: "–" };
  const cells = [...document.querySelectorAll(".cell")];
  if (!cells.length) found.push("no cells");
  for (const cell of cells) {
    const words = cell.innerText.trim();
    if (words[0] !== signs[cell.classList[1]] || words.length < 3) found.push(`says it by colour alone: ${words}`);
  }
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`page scrolls sideways: ${root.scrollWidth} in ${root.clientWidth}`);
  return found;
}
