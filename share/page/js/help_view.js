// What the keys do, and how the filter is written.
import {button, make} from "./dom.js";

const KEYS = [
  ["j, k", "next and previous session"],
  ["n, p", "next and previous failure in the transcript: 4xx and 5xx replies, errors, gaps"],
  ["1, 2, 3", "overview, exchanges, transcript"],
  ["/", "into the filter; Enter goes to the first session, Esc empties it"],
  ["c", "copy the command line that shows the session"],
  ["s", "all sessions in figures"],
  ["?", "this help; Esc closes it"],
];

const FILTERS = [
  ["bob@dest.example", "words that have to be there: ids, hosts, addresses, replies"],
  ["-delivered", "what must not be there"],
  ["\"rate limited\"", "words that belong together"],
  ["outcome:bounced", "also code:421, code:5xx, mx:…, tls:…, from:…, source:…, id:…"],
  ["is:failed", "also is:gap and is:open"],
  ["took>2s", "also took<300ms"],
];

const rows = (entries) => entries.map(([what, words]) =>
  [make("dt", null, make("kbd", null, what)), make("dd", null, words)]);

export function makeHelp() {
  const dialog = make("dialog", {class: "help", "aria-labelledby": "help-title"},
    make("h2", {id: "help-title"}, "Keys"), make("dl", null, rows(KEYS)),
    make("h2", null, "Filter"), make("dl", null, rows(FILTERS)),
    button("Close", () => dialog.close()));
  return dialog;
}
