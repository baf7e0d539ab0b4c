// A long list of which only what is near the view is drawn.
//
// Items stand in blocks; a block that is far away is empty and as high as it was, or as it is
// thought to be.  So items may have any height, the scroll bar tells the truth, and a browser's own
// anchoring keeps what is read in its place.
import {make} from "./dom.js";

export const LINE = 20;  // px, of text, as style.css has it
const MARGIN = 800;  // px above and below the view that are drawn

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

  follow(changes) {
    for (const {target, isIntersecting} of changes) {
      if (isIntersecting) {
        this.fill(target);
      } else {
        this.empty(target);
      }
    }
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

  empty(block) {
    if (this.all || !this.drawn.has(block) || block.contains(document.activeElement)) return;
    this.drawn.delete(block);
    block.style.setProperty("height", `${block.offsetHeight}px`);
    block.replaceChildren();
  }

  // The element of item i where it is drawn.
  element(i) {
    const block = this.blocks[Math.floor(i / this.size)];
    return block && this.drawn.has(block) ? block.children[i % this.size] : null;
  }

  // Draws item i and brings it into view; returns its element.
  reveal(i, where = "nearest") {
    const block = this.blocks[Math.floor(i / this.size)];
    if (!block) return null;
    this.fill(block);
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
