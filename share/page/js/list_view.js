// The list of sessions: a row each, one of them chosen.
import {BlockList} from "./block_list.js";
import {foreign, make} from "./dom.js";
import {outcomeMark} from "./outcomes.js";
import {clockText, countText, spanText} from "./times.js";

const ROW = 62;  // px, as style.css has it

function recipientsText(row) {
  const all = Object.values(row.recipients).reduce((sum, count) => sum + count, 0);
  return all === 0 ? "no recipients" : countText(all, "recipient");
}

function tlsWords(row) {
  if (row.tls !== "none") return row.tls;
  return row.begins_here ? "no TLS" : "TLS not known";
}

export class ListView {
  constructor(place, choose) {
    this.place = place;
    this.choose = choose;
    this.rows = [];
    this.chosen = null;
    place.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(this.rows[Number(option.dataset.index)]);
    });
  }

  show(rows) {
    this.list?.end();
    this.rows = rows;
    this.place.scrollTop = 0;
    this.list = new BlockList(this.place, this.place,
      {count: rows.length, size: 12, height: () => ROW, draw: (i) => this.draw(i)});
    if (rows.length === 0) {
      this.place.replaceChildren(make("p", {class: "nothing"}, "No session is like that."));
    }
    this.mark(this.chosen);
  }

  draw(i) {
    const row = this.rows[i];
    const selected = row === this.chosen;
    return make("div", {
      "class": "row", "role": "option", "id": `row-${i}`, "data-index": i, "aria-selected": String(selected),
      "aria-posinset": i + 1, "aria-setsize": this.rows.length,
    },
    make("div", {class: "row-first"},
      outcomeMark(row.outcome),
      make("span", {class: "unseen"}, `${row.outcome}, `),
      foreign(row.mx_host ?? row.mx_address ?? "no host", {class: "row-host"}),
      row.gap && make("span", {class: "flag bad"}, "gap"),
      row.is_open && make("span", {class: "flag none"}, "open"),
      make("span", {class: "row-took"}, spanText(row.took))),
    make("div", {class: "row-second"},
      make("span", {class: "row-time"}, clockText(row.begun)),
      row.trouble === null
        ? make("span", {class: "row-text"}, `${recipientsText(row)}, ${tlsWords(row)}`)
        : foreign(row.trouble, {class: "row-text trouble"})));
  }

  indexOf(row) {
    return row === null ? -1 : this.rows.indexOf(row);
  }

  // Makes a row the chosen one; where it is not in the list, none.
  mark(row) {
    const before = this.indexOf(this.chosen);
    this.chosen = row;
    if (before >= 0) this.list.redraw(before);
    const now = this.indexOf(row);
    if (now < 0) {
      this.place.removeAttribute("aria-activedescendant");
      return;
    }
    this.list.reveal(now);
    this.list.redraw(now);
    this.place.setAttribute("aria-activedescendant", `row-${now}`);
  }

  // The row so many further on; the first one where none is chosen.
  neighbour(by) {
    if (this.rows.length === 0) return null;
    const at = this.indexOf(this.chosen);
    if (at < 0) return this.rows[by > 0 ? 0 : this.rows.length - 1];
    return this.rows[Math.min(Math.max(at + by, 0), this.rows.length - 1)];
  }
}
