// A long list of which only what is near the view is drawn.
//
// Items stand in blocks; a block that is far away is empty and as high as it was, or as it is
// thought to be.  So items may have any height, the scroll bar tells the truth, and a browser's own
// anchoring keeps what is read in its place.
import {make} from "./dom.js";

export const LINE = 20;  // px, of text, as style.css has it
const MARGIN = 400;  // px above and below the view that are drawn

export class BlockList {
  // `draw(i)` makes item i, `height(i)` says how high it may be, in px.  Blocks are children of
  // `place`, which scrolls itself or lies in something that does.
  constructor(place, scroller, {count, size, draw, height}) {
    this.place = place;
    this.count = count;
    this.size = size;
    this.draw = draw;
    this.blocks = [];
    this.drawn = new Set();
    for (let first = 0; first < count; first += size) {
      let pixels = 0;
      for (let i = first; i < Math.min(first + size, count); ++i) pixels += height(i);
      const block = make("div", {class: "block", role: "presentation", style: {height: `${pixels}px`}});
      block.number = this.blocks.length;
      this.blocks.push(block);
    }
    place.replaceChildren(...this.blocks);
    this.watcher = new IntersectionObserver((changes) => this.follow(changes),
      {root: scroller, rootMargin: `${MARGIN}px 0px`});
    for (const block of this.blocks) this.watcher.observe(block);
  }

  // What leaves is measured before anything changes: the browser lays out once.
  follow(changes) {
    const leaving = changes.filter((change) => !change.isIntersecting && this.mayLeave(change.target))
      .map(({target}) => ({target, height: target.offsetHeight}));
    for (const {target, height} of leaving) {
      this.drawn.delete(target);
      target.style.setProperty("height", `${height}px`);
      target.replaceChildren();
    }
    for (const {target, isIntersecting} of changes) {
      if (isIntersecting) this.fill(target);
    }
  }

  mayLeave(block) {
    return !this.all && this.drawn.has(block) && !block.contains(document.activeElement);
  }

  fill(block) {
    if (this.drawn.has(block)) return;
    this.drawn.add(block);
    const first = block.number * this.size;
    const items = [];
    for (let i = first; i < Math.min(first + this.size, this.count); ++i) items.push(this.draw(i));
    block.replaceChildren(...items);
    block.style.removeProperty("height");
  }

  // The element of item i where it is drawn.
  element(i) {
    const block = this.blocks[Math.floor(i / this.size)];
    return block && this.drawn.has(block) ? block.children[i % this.size] : null;
  }

  // Draws item i and brings it into view; returns its element.  With its neighbours, whose heights
  // are then known, so that it stays where it is put.
  reveal(i, where = "nearest") {
    const number = Math.floor(i / this.size);
    const block = this.blocks[number];
    if (!block) return null;
    for (const near of this.blocks.slice(Math.max(number - 1, 0), number + 2)) this.fill(near);
    const element = block.children[i % this.size];
    element.scrollIntoView({block: where, inline: "nearest"});
    return element;
  }

  // Draws an item anew, as it looks now.
  redraw(i) {
    const old = this.element(i);
    if (old) old.replaceWith(this.draw(i));
  }

  // For paper: all of it.
  drawAll() {
    this.all = true;
    for (const block of this.blocks) this.fill(block);
  }

  drawNear() {
    this.all = false;
    for (const block of this.blocks) {
      this.watcher.unobserve(block);
      this.watcher.observe(block);
    }
  }

  end() {
    this.watcher.disconnect();
    this.place.replaceChildren();
  }
}
