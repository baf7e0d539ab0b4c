#include "cli/options/selection_options.h"

#include <algorithm>

#include "base/counted.h"
#include "base/error.h"
#include "base/time_spec.h"
#include "cli/options/mistakes.h"
#include "cli/text/output.h"
#include "filters/property.h"

namespace smtptape {

namespace {

Scope parse_scope(const std::string& text) {
  if (text == "event") return Scope::Event;
  if (text == "strict") return Scope::Strict;
  if (text == "session") return Scope::Session;
  throw UsageError("--scope: \"" + text + "\" is none of event, strict, session");
}

}  // namespace

void FilterOptions::describe(Options& options) {
  describe_properties(options, "an event passes that lacks the property");
  options.flag("--terse", terse, "Show the first line of what is written, as kumod abbreviates");
  options.flag("--as-live", as_live, "Do what kcli and kumod really do, not what the manual says");
  options.group("Options");
}

void FilterOptions::describe_properties(Options& options, const std::string& what) {
  options.group("Filters (repeatable; " + what + ")");
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    const Property& property = kProperties[i];
    options.values(std::string(property.flag),
                   values[i],
                   property.kind == PropertyKind::Address ? "CIDR" : "VALUE",
                   std::string(property.help));
  }
}

bool FilterOptions::any() const {
  return as_live || terse || std::any_of(values.begin(), values.end(), [](const auto& of_one) {
           return !of_one.empty();
         });
}

TraceRequest FilterOptions::request() const {
  try {
    TraceRequest request = request_from_options(values, honour());
    request.terse = terse;
    return request;
  } catch (const Error& error) {
    if (as_live) throw AsKcliError(error.what());
    throw;
  }
}

void FilterOptions::tell_difference() const {
  std::string differing;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    const Property& property = kProperties[i];
    if (!property.is_ignored_by_server() || values[i].empty()) continue;
    if (!differing.empty()) differing += " and ";
    differing += property.flag;
  }
  if (differing.empty()) return;
  say(as_live ? differing + ": without effect, as on a live server (--as-live)"
              : differing + ": applied as the manual says; a live server ignores it (--as-live)");
}

namespace {

void describe_tapes(Options& options, std::vector<std::string>& tapes, Options::Count count) {
  options.positional("TAPE", tapes, count, "Tapes, directories of tapes, or - for standard input");
}

}  // namespace

void SelectionOptions::describe(Options& options, const std::string& without_choice) {
  describe_tapes(options, tapes, Options::Count::Any);
  filters.describe(options);
  choice.describe(options);
  options.group("Options");
  describe_scope(options, without_choice);
  describe_reading(options);
}

void SelectionOptions::describe_served(Options& options) {
  options.positional("TAPE",
                     tapes,
                     Options::Count::Any,
                     "Tapes, directories of tapes, files of frames (JSON lines), or -");
  filters.describe(options);
  choice.describe(options);
  options.group("Options");
  describe_scope(options, "event");
  describe_times(options);
  describe_doubles(options);
}

void SelectionOptions::describe_scope(Options& options, const std::string& without_choice) {
  default_scope = without_choice;
  options.value("--scope",
                scope,
                "event|strict|session",
                "event: absent properties pass, as live; strict: every filtered property must be "
                "there; session: whole sessions that have a strict match (default: " +
                    default_scope +
                    (default_scope == "session" ? ")" : ", and session with what came out)"));
}

void SelectionOptions::describe_whole_sessions(Options& options) {
  describe_tapes(options, tapes, Options::Count::NoneOrAny);
  filters.describe_properties(options, "a session passes that has an event with all of them");
  choice.describe(options);
  options.group("Options");
  default_scope = "session";
  describe_reading(options);
}

void SelectionOptions::describe_times(Options& options) {
  options.value(
      "--since", since, "TIME", "From this receive time on: RFC 3339, -2h, yesterday 22:00");
  options.value("--until", until, "TIME", "Up to this receive time");
}

void SelectionOptions::describe_doubles(Options& options) {
  options.flag("--keep-doubles",
               keep_doubles,
               "What several recorders of one endpoint have: each time, not once");
}

void SelectionOptions::describe_reading(Options& options) {
  describe_times(options);
  options.value("--recovery",
                recovery,
                "skip|tail|strict",
                "At damage: skip it (default), tail: end there, strict: print nothing");
  options.flag(
      "--explain", explain, "Tell on stderr what was read of the tapes, and what not and why");
  describe_doubles(options);
}

bool SelectionOptions::is_strict() const {
  if (recovery == "skip" || recovery == "tail") return false;
  if (recovery == "strict") return true;
  throw UsageError("--recovery: \"" + recovery + "\" is none of skip, tail, strict");
}

Recovery SelectionOptions::at_damage() const {
  return recovery == "skip" ? Recovery::Skip : Recovery::Tail;
}

// What came out is said of sessions; which session and source it is, of each event, too.
Scope SelectionOptions::chosen_scope() const {
  if (scope) return parse_scope(*scope);
  const bool by_session = choice.chooses_sessions() && !follows;
  return by_session ? Scope::Session : parse_scope(default_scope);
}

Selection SelectionOptions::selection() const {
  Selection selection;
  selection.honour = filters.honour();
  Mistakes mistakes;
  mistakes.check([&] { selection.request = filters.request(); });
  mistakes.check([&] { choice.add_to(selection); });
  mistakes.check([&] { selection.scope = chosen_scope(); });
  mistakes.check([&] { selection.window = window(); });
  mistakes.check([&] { static_cast<void>(is_strict()); });
  mistakes.throw_if_any();
  selection.sessions_shortened = follows;
  if (filters.as_live) return selection;
  add_spellings(selection.request.allowed);
  selection.notes_not_known =
      !scope && selection.scope == Scope::Event && is_any_set(selection.request.allowed);
  return selection;
}

Selection SelectionOptions::whole_sessions() const {
  Selection chosen = selection();
  chosen.whole_sessions = true;
  return chosen;
}

TimeWindow SelectionOptions::window() const {
  TimeWindow window;
  const std::int64_t now = now_unix_nanos();
  Mistakes mistakes;
  if (since) mistakes.check([&] { window.since = parse_time_spec(*since, now, "--since"); });
  if (until)
    mistakes.check([&] { window.until = parse_time_spec(*until, now, "--until", Twice::Last); });
  mistakes.throw_if_any();
  if (window.since && window.until && *window.since >= *window.until) {
    throw UsageError("--since " + *since + " is not before --until " + *until);
  }
  return window;
}

void TextOptions::describe(Options& options) {
  options.group("Output, as kcli's");
  options.value("--color", color, "tty|yes|no", "tty (default), yes or no");
  options.flag("--only-new", only_new, "Only sessions whose beginning is seen");
  options.flag("--only-one", only_one, "Only the first session, and end with its connection");
  options.value(
      "--kcli-profile",
      profile,
      "halfup|halfeven",
      "halfup (default): kcli as KumoMTA builds it; halfeven: built with Rust 1.94 or later");
  options.group("Options");
}

RenderOptions TextOptions::render(const FilterOptions& filters) const {
  RenderOptions render;
  render.color = use_color(parse_color(color));
  render.only_new = only_new;
  render.only_one = only_one;
  render.visible = is_terminal() && !filters.as_live;
  render.terse = filters.terse;
  render.behaviour = filters.as_live ? Behaviour::AsLive : Behaviour::Documented;
  if (profile == "halfeven") {
    render.profile = KcliProfile::HalfEven;
  } else if (profile != "halfup") {
    throw UsageError("--kcli-profile: \"" + profile + "\" is neither halfup nor halfeven");
  }
  return render;
}

}  // namespace smtptape
