// What is wrong with the layout of the page, as lines of text: cut off, outside, one over the other, too faint to read.
(() => {
  const found = [];
  const shown = (item) => item.checkVisibility({contentVisibilityAuto: false}) && item.getClientRects().length > 0;
  const all = (query, root = document) => [...root.querySelectorAll(query)].filter(shown);
  const name = (item) => `<${item.tagName.toLowerCase()} ${item.getAttribute("class") ?? ""}> ${item.textContent.trim().slice(0, 60)}`;
  const over = (one, other) => Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1
    && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 1;
  const pairs = (items, what) => {
    const boxes = items.map((item) => item.getBoundingClientRect());
    items.forEach((item, i) => items.slice(i + 1).forEach((other, j) => {
      if (over(boxes[i], boxes[i + 1 + j])) found.push(`${what} lie one over the other: ${name(item)} | ${name(other)}`);
    }));
  };

  const page = document.documentElement;
  if (page.scrollWidth > innerWidth) found.push(`the page is ${page.scrollWidth} wide, and the window ${innerWidth}`);
  pairs(all("header, main > *, footer"), "sections");
  for (const list of all("ul.todo, dl.figures, dl.facts")) pairs([...list.children].filter(shown), "entries");
  for (const item of all("ul.todo li")) pairs([...item.children].filter(shown), "parts of a finding");
  for (const row of all("tr")) pairs([...row.cells], "cells");
  for (const item of all("td, th, dd, dt, .what, .who, .fix, h1, h2, h3, summary, .b, .tag, label")) {
    if (item.scrollWidth > item.clientWidth + 1 && item.clientWidth > 0) found.push(`cut off or sticking out: ${name(item)}`);
  }
  for (const item of all("main *:not(svg *), header *, footer *")) {
    if (item.closest(".scroll") || item.closest("caption")) continue;
    const box = item.getBoundingClientRect();
    if (box.right > innerWidth + 1 || box.left < -1) found.push(`outside of the window: ${name(item)}`);
  }

  for (const svg of all("svg[role=group]")) {
    const size = svg.viewBox.baseVal;
    const inside = (box, outer, item, what) => {
      if (box.x < outer.x - 0.5 || box.y < outer.y - 0.5 || box.x + box.width > outer.x + outer.width + 0.5
        || box.y + box.height > outer.y + outer.height + 0.5) found.push(`outside of ${what}: ${name(item)}`);
    };
    svg.querySelectorAll("rect, text, path, circle").forEach((item) => inside(item.getBBox(), size, item, "the picture"));
    svg.querySelectorAll("a").forEach((tile) => {
      const outer = tile.querySelector("rect").getBBox();
      tile.querySelectorAll("text").forEach((text) => inside(text.getBBox(), outer, text, "its card"));
    });
    svg.querySelectorAll("g").forEach((group) => {
      const outer = group.querySelector("rect").getBBox();
      group.querySelectorAll("rect, text").forEach((item) => inside(item.getBBox(), outer, item, "its set"));
      pairs([...group.querySelectorAll(":scope > text")], "words of a set");
    });
    pairs([...svg.querySelectorAll(".frame")], "sets");
    pairs([...svg.querySelectorAll("a > rect")], "clusters");
  }

  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const parts = color.slice(0, 3).map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const behind = (item) => {
    for (let at = item; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 250) return color;
    }
    return [255, 255, 255, 255];
  };
  const known = new Map();
  for (const item of all("body *")) {
    if (![...item.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
    if (["SCRIPT", "STYLE", "TITLE", "DESC", "OPTION"].includes(item.tagName.toUpperCase()) || item.closest("caption")) continue;
    const style = getComputedStyle(item);
    const svg = item.tagName === "text";
    const card = svg && (item.closest("a") ?? item.parentElement).querySelector("rect");
    const ink = svg ? style.fill : style.color;
    const paper = svg ? getComputedStyle(card).fill : behind(item).join();
    const key = `${ink} on ${paper}`;
    if (known.has(key)) continue;
    const [one, other] = [light(rgba(ink)), light(svg ? rgba(paper) : behind(item))].sort((a, b) => b - a);
    known.set(key, (one + 0.05) / (other + 0.05));
    if (known.get(key) < 4.5) found.push(`too faint (${known.get(key).toFixed(2)}): ${name(item)}`);
  }
  return {found, colors: known.size};
})()
