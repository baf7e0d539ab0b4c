// The page: data, list and what is shown beside it; keys and the fragment of the address lead both.
import {copyText} from "./copying.js";
import {button, fill, make} from "./dom.js";
import {makeHelp} from "./help_view.js";
import {COMMANDS, fragmentOf, giveKeys, parseFragment} from "./links.js";
import {ListView} from "./list_view.js";
import {readData} from "./packed.js";
import {ORDERS, chosenRows, searchedText} from "./query.js";
import {SessionView, TABS} from "./session_view.js";
import {drawStats} from "./stats_view.js";
import {plainText} from "./text.js";
import {countText} from "./times.js";

class Page {
  constructor(data) {
    this.data = data;
    giveKeys(data.rows);
    data.rows.sort((a, b) => a.begun - b.begun);
    for (const row of data.rows) row.searched = searchedText(row);
    this.byKey = new Map(data.rows.map((row) => [row.key, row]));
    this.place = {session: null, tab: "overview", event: null};
    this.asked = 0;
    this.build();
    this.chooseRows();
    this.fragment = null;
    this.follow();
    addEventListener("hashchange", () => this.follow());
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
  }

  build() {
    this.filter = make("input", {
      type: "search", id: "filter", placeholder: "Filter  ( / )", "aria-label": "Filter sessions",
      autocomplete: "off", spellcheck: "false", oninput: () => this.chooseRows(),
    });
    this.order = make("select", {"aria-label": "Order", onchange: () => this.chooseRows()},
      Object.entries(ORDERS).map(([name, {words}]) => make("option", {value: name}, words)));
    this.count = make("p", {class: "count dim", role: "status"});
    this.told = make("p", {class: "told", role: "status", hidden: true});
    const listbox = make("div", {class: "list", role: "listbox", tabindex: "0", "aria-label": "Sessions"});
    this.beside = make("main", {class: "beside", id: "beside", tabindex: "-1"});
    this.help = makeHelp();
    this.root = make("div", {class: "page", "data-view": "list"},
      make("nav", {class: "side", "aria-label": "Sessions"},
        make("div", {class: "tools"},
          make("h1", null, "smtptape"),
          button("Figures", () => this.go({session: null}, true), {title: "all sessions in figures (s)"}),
          button("?", () => this.help.showModal(), {"aria-label": "Help: keys and filter"}),
          this.filter, this.order),
        this.count, listbox),
      this.beside, this.told, this.help);
    document.getElementById("plain").remove();
    document.body.append(this.root);
    this.list = new ListView(listbox, (row) => this.go({session: row.key, event: null}, true));
    this.session = new SessionView(this.beside, {
      back: () => this.go({session: null}),
      go: (place) => this.go(place),
      copy: (command) => this.copy(command),
    });
  }

  chooseRows() {
    const rows = chosenRows(this.data.rows, this.filter.value, this.order.value);
    const all = this.data.rows.length;
    this.count.textContent = (rows.length === all ? countText(all, "session")
      : `${rows.length.toLocaleString("en-US")} of ${countText(all, "session")}`) + this.notSearched();
    this.list.show(rows);
  }

  // Of sessions with very many names not all are in the list.
  notSearched() {
    const count = this.filter.value === "" ? 0 : this.data.rows.filter((row) => row.words_left_out).length;
    return count === 0 ? "" : `; of ${count.toLocaleString("en-US")} not all names are searched`;
  }

  // Where the address says.
  follow() {
    if (location.hash === this.fragment) return;  // we wrote it
    const place = parseFragment(location.hash);
    if (place.event !== null && place.tab === null) place.tab = "transcript";
    if (place.session !== null && !this.byKey.has(place.session)) {
      this.tell(`No session ${place.session} is in this page.`);
      place.session = null;
    }
    this.arrive(place);
  }

  // To a place, of which the rest stays as it is.  `figures`: without a session they are what is
  // wanted where there is room for one thing only.
  go(place, figures = false) {
    this.figures = figures;
    this.arrive({...this.place, ...place});
    this.fragment = fragmentOf(this.place);
    if (location.hash !== this.fragment) location.hash = this.fragment;
  }

  arrive({session, tab, event}) {
    this.place = {session, tab: Object.hasOwn(TABS, tab ?? "") ? tab : "overview", event};
    this.fragment = location.hash;
    const row = this.byKey.get(session) ?? null;
    this.list.mark(row);
    this.show(row);
  }

  async show(row) {
    const asked = ++this.asked;
    if (row === null) return this.showFigures();
    if (this.row !== row) {
      const session = await this.details(row);
      if (session === null || asked !== this.asked) return;  // somebody went on meanwhile
      this.row = row;
      this.session.show(session, row, this.place.tab);
      document.title = `${row.outcome}: ${plainText(row.mx_host ?? row.id)}`;
    } else if (this.session.tab !== this.place.tab) {
      this.session.open(this.place.tab);
    }
    this.root.dataset.view = "session";
    if (this.filter.offsetParent === null) this.beside.querySelector("h2").focus({preventScroll: true});
    if (this.place.event !== null) this.session.transcript?.reveal(this.place.event);
  }

  async details(row) {
    try {
      return await this.data.details.of(row);
    } catch (error) {
      this.tell(`The data of this session can't be read: ${error.message}`);
      return null;
    }
  }

  showFigures() {
    this.session.end();
    this.row = null;
    this.root.dataset.view = this.figures ? "figures" : "list";
    fill(this.beside, button("← Sessions", () => this.go({session: null}), {class: "back"}),
      drawStats(this.data, {filter: (text) => this.setFilter(text), copy: (command) => this.copy(command)}));
    this.beside.scrollTop = 0;
  }

  setFilter(text) {
    this.filter.value = text;
    this.root.dataset.view = "list";
    this.chooseRows();
  }

  async copy(command) {
    const text = COMMANDS[command](this.data.about, this.row);
    this.tell(await copyText(text) ? `Copied: ${text}` : `Copying is not allowed here: ${text}`);
  }

  tell(words) {
    fill(this.told, words).hidden = false;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => { this.told.hidden = true; }, 4000);
  }

  // ---- keys ----

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.help.open) return;
    if (event.target === this.filter) {
      this.keyInFilter(event);
    } else if (!event.target.closest("select, textarea")) {
      const action = this.actionOf(event);
      if (!action) return;
      event.preventDefault();
      action();
    }
  }

  keyInFilter(event) {
    if (event.key === "Escape") {
      this.filter.value = "";
      this.chooseRows();
      this.filter.blur();
    } else if (event.key === "Enter" && this.list.rows.length > 0) {
      this.filter.blur();
      this.go({session: this.list.rows[0].key, event: null});
    }
  }

  actionOf(event) {
    const inList = event.target.closest("[role=listbox]");
    const actions = {
      "j": () => this.step(1), "k": () => this.step(-1),
      "n": () => this.failure(1), "p": () => this.failure(-1),
      "/": () => this.toFilter(),
      "?": () => this.help.showModal(),
      "c": () => this.copy(this.row ? "show" : "sessions"),
      "s": () => this.go({session: null}, true),
      "Escape": () => this.go({session: null}),
    };
    Object.keys(TABS).forEach((tab, i) => {
      actions[i + 1] = () => this.row && this.go({tab, event: null});
    });
    if (inList) {
      actions.ArrowDown = actions.j;
      actions.ArrowUp = actions.k;
      actions.Enter = () => this.beside.querySelector("h2")?.focus();
    }
    return Object.hasOwn(actions, event.key) ? actions[event.key] : null;
  }

  // Where there is room for one thing only, that is the list then.
  toFilter() {
    if (this.filter.offsetParent === null) this.go({session: null});
    this.filter.focus();
    this.filter.select();
  }

  step(by) {
    const row = this.list.neighbour(by);
    if (row) this.go({session: row.key, event: null});
  }

  // The next failure in the session that is open; the transcript is where they are.
  failure(direction) {
    if (!this.row || this.row.key !== this.place.session) return;
    if (this.session.tab !== "transcript") this.session.open("transcript");
    const number = this.session.transcript.failure(direction);
    if (number === null) this.tell(direction > 0 ? "No failure below." : "No failure above.");
    this.go({tab: "transcript", event: number ?? this.place.event});
  }

  // ---- paper ----

  print(printing) {
    this.session.print(printing);
    this.paper?.remove();
    if (!printing || this.row) return;
    const rows = this.list.rows.slice(0, Page.MOST_ON_PAPER);
    this.paper = make("div", {class: "paper"}, rows.map((row, i) => this.list.draw(i)),
      rows.length < this.list.rows.length &&
        make("p", null, `… and ${countText(this.list.rows.length - rows.length, "session")} more`));
    this.beside.append(this.paper);
  }
}
Page.MOST_ON_PAPER = 2000;

async function start() {
  const plain = document.getElementById("plain");
  if (typeof DecompressionStream !== "function") return;  // what is there says what it needs
  try {
    new Page(await readData(document));
  } catch (error) {
    document.body.append(plain);
    document.getElementById("needs").textContent = `The data in this page can't be read: ${error.message}`;
  }
}

start();
