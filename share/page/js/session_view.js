// One session: its head, and a tab each for the overview, the exchanges and the transcript.
import {button, fill, foreign, make} from "./dom.js";
import {drawLadder} from "./ladder_view.js";
import {fragmentOf} from "./links.js";
import {outcomeBadge} from "./outcomes.js";
import {drawOverview} from "./overview_view.js";
import {dateText, clockText, spanText} from "./times.js";
import {TranscriptView} from "./transcript_view.js";

export const TABS = {overview: "Overview", exchanges: "Exchanges", transcript: "Transcript"};

export class SessionView {
  // `actions`: {back(), go(place), copy(command)}
  constructor(place, actions) {
    this.place = place;
    this.actions = actions;
  }

  show(session, row, tab) {
    this.end();
    this.session = session;
    this.row = row;
    this.body = make("div", {class: "tab-body", role: "tabpanel", id: "tab-body", tabindex: "0"});
    fill(this.place, this.head(), this.tabs(), this.body);
    this.place.scrollTop = 0;
    this.open(tab);
  }

  head() {
    const {row, actions} = this;
    return make("header", {class: "session-head"},
      button("← Sessions", () => actions.back(), {class: "back"}),
      make("h2", {tabindex: "-1"}, outcomeBadge(row.outcome), " ",
        foreign(row.mx_host ?? row.mx_address ?? "no host")),
      make("p", {class: "dim"}, `${dateText(row.begun)} ${clockText(row.begun)} UTC, ${spanText(row.took)}, `,
        foreign(row.id, {class: "mono"})),
      row.trouble && make("p", {class: "trouble mono"}, foreign(row.trouble)),
      make("div", {class: "actions"},
        button("Copy “show” command", () => actions.copy("show")),
        button("Copy “extract” command", () => actions.copy("extract"))));
  }

  tabs() {
    const tab = (name) => button(TABS[name], () => this.actions.go({tab: name, event: null}), {
      "role": "tab", "data-tab": name, "id": `tab-${name}`, "aria-controls": "tab-body",
    });
    return make("div", {
      class: "tabs", role: "tablist", "aria-label": "Of this session", onkeydown: (event) => this.turn(event),
    }, Object.keys(TABS).map(tab));
  }

  // The arrow keys go from tab to tab.
  turn(event) {
    const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!by) return;
    const names = Object.keys(TABS);
    const next = names[(names.indexOf(this.tab) + by + names.length) % names.length];
    this.actions.go({tab: next, event: null});
    this.place.querySelector(`[data-tab=${next}]`).focus();
    event.preventDefault();
  }

  open(tab) {
    this.list?.end();
    this.list = this.transcript = null;
    this.tab = tab in TABS ? tab : "overview";
    for (const each of this.place.querySelectorAll("[role=tab]")) {
      const chosen = each.dataset.tab === this.tab;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
    }
    this.body.setAttribute("aria-labelledby", `tab-${this.tab}`);
    this.body.replaceChildren();
    if (this.tab === "overview") this.body.append(drawOverview(this.session, this.row));
    if (this.tab === "exchanges") this.list = drawLadder(this.session, this.body, this.place);
    if (this.tab === "transcript") {
      this.transcript = new TranscriptView(this.session, this.body, this.place,
        (event) => fragmentOf({session: this.row.key, tab: "transcript", event}));
      this.list = this.transcript.list;
    }
  }

  // For paper: everything, one below the other.
  print(printing) {
    if (!this.session) return;
    if (!printing) {
      this.list?.drawNear();
      this.paper?.remove();
      for (const list of this.onPaper ?? []) list.end();
      return;
    }
    this.list?.drawAll();
    const overview = this.tab === "overview" ? null : drawOverview(this.session, this.row);
    const ladder = make("div");
    const transcript = make("div");
    this.onPaper = [];
    if (this.tab !== "exchanges") this.onPaper.push(drawLadder(this.session, ladder, this.place));
    if (this.tab !== "transcript") {
      this.onPaper.push(new TranscriptView(this.session, transcript, this.place, () => "#").list);
    }
    for (const list of this.onPaper) list.drawAll();
    this.paper = make("div", {class: "paper"}, overview, ladder, transcript);
    this.place.append(this.paper);
  }

  end() {
    this.list?.end();
    this.list = this.transcript = this.session = null;
  }
}
