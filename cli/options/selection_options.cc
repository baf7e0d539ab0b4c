#include "cli/options/selection_options.h"

#include <algorithm>

#include "base/counted.h"
#include "base/error.h"
#include "base/time_spec.h"
#include "cli/text/output.h"
#include "filters/property.h"

namespace smtptape {

void FilterOptions::describe(Options& options) {
  options.group("Filters (repeatable; an event passes that lacks the property)");
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    const Property& property = kProperties[i];
    options.values(std::string(property.flag),
                   values[i],
                   property.kind == PropertyKind::Address ? "CIDR" : "VALUE",
                   std::string(property.help));
  }
  options.flag("--terse", terse, "Show the first line of what is written, as kumod abbreviates");
  options.flag("--as-live", as_live, "Do what kcli and kumod really do, not what the manual says");
  options.group("Options");
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
    const bool differs =
        property.live_meta_key != property.meta_key || property.kind == PropertyKind::TextList;
    if (!differs || values[i].empty()) continue;
    if (!differing.empty()) differing += " and ";
    differing += property.flag;
  }
  if (differing.empty()) return;
  say(as_live ? differing + ": without effect, as on a live server (--as-live)"
              : differing + ": applied as the manual says; a live server ignores it (--as-live)");
}

void SelectionOptions::describe(Options& options, const std::string& default_scope) {
  options.positional(
      "TAPE", tapes, Options::Count::Any, "Tapes, directories of tapes, or - for standard input");
  filters.describe(options);
  scope = default_scope;
  options.value("--scope",
                scope,
                "SCOPE",
                "event: absent properties pass, as live; strict: every filtered property must be "
                "there; session: whole sessions that have a strict match (default: " +
                    default_scope + ")");
  options.value(
      "--since", since, "TIME", "From this receive time on: RFC 3339, -2h, yesterday 22:00");
  options.value("--until", until, "TIME", "Up to this receive time");
  options.value("--recovery",
                recovery,
                "HOW",
                "At damage: skip it (default), tail: end there, strict: print nothing");
}

bool SelectionOptions::is_strict() const {
  if (recovery == "skip" || recovery == "tail") return false;
  if (recovery == "strict") return true;
  throw UsageError("--recovery: \"" + recovery + "\" is none of skip, tail, strict");
}

Recovery SelectionOptions::at_damage() const {
  return recovery == "skip" ? Recovery::Skip : Recovery::Tail;
}

Selection SelectionOptions::selection() const {
  Selection selection;
  selection.request = filters.request();
  selection.honour = filters.honour();
  if (scope == "event") {
    selection.scope = Scope::Event;
  } else if (scope == "strict") {
    selection.scope = Scope::Strict;
  } else if (scope == "session") {
    selection.scope = Scope::Session;
  } else {
    throw UsageError("--scope: \"" + scope + "\" is none of event, strict, session");
  }
  const std::int64_t now = now_unix_nanos();
  if (since) selection.window.since = parse_time_spec(*since, now, "--since");
  if (until) selection.window.until = parse_time_spec(*until, now, "--until", Twice::Last);
  const TimeWindow& window = selection.window;
  if (window.since && window.until && *window.since >= *window.until) {
    throw UsageError("--since " + *since + " is not before --until " + *until);
  }
  return selection;
}

void TextOptions::describe(Options& options) {
  options.group("Output, as kcli's");
  options.value("--color", color, "WHEN", "tty (default), yes or no");
  options.flag("--only-new", only_new, "Only sessions whose beginning is seen");
  options.flag("--only-one", only_one, "Only the first session, and end with its connection");
  options.value(
      "--kcli-profile",
      profile,
      "PROFILE",
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

namespace {

void refuse_damage(const std::vector<TapeFile>& tapes) {
  Inputs inputs(tapes, {}, Recovery::Tail);
  EventBatch batch;
  while (inputs.next(batch)) {
  }
  if (inputs.trouble().damage.empty()) return;
  throw Error(inputs.trouble().damage.front() + "; --recovery skip prints what is good");
}

}  // namespace

SelectedTapes::SelectedTapes(const SelectionOptions& options, const Selection& selection) {
  const bool strict = options.is_strict();
  const bool twice = selection.needs_two_passes();
  const auto& names = options.tapes;
  if (std::count(names.begin(), names.end(), "-") > 1) {
    throw UsageError("- : standard input can be read only once");
  }
  if ((twice || strict) && std::find(names.begin(), names.end(), "-") != names.end()) {
    Inputs::spool_standard_input();
  }
  tapes_ = find_tapes(names);
  if (strict) {
    refuse_damage(tapes_);
    Inputs::rewind_standard_input();
  }
  std::shared_ptr<SessionScope> sessions;
  if (twice) {
    Inputs first_pass(
        tapes_, selection.whole_sessions ? selection.window : TimeWindow{}, options.at_damage());
    ReadAhead ahead(first_pass);
    sessions = collect_sessions(ahead, selection);
    Inputs::rewind_standard_input();
  }
  inputs_ = std::make_unique<Inputs>(
      tapes_, selection.whole_sessions ? TimeWindow{} : selection.window, options.at_damage());
  ahead_ = std::make_unique<ReadAhead>(*inputs_);
  selected_ = std::make_unique<SelectedSource>(*ahead_, selection, std::move(sessions));
}

SelectedTapes::~SelectedTapes() = default;

EventSource& SelectedTapes::events() {
  return *selected_;
}

bool SelectedTapes::tell_trouble() {
  ahead_.reset();  // joins its thread: from here on the inputs are ours alone
  for (const std::string& gap : selected_->gaps())
    say(gap);
  if (selected_->gap_count() > selected_->gaps().size()) {
    say("… and " + counted(selected_->gap_count() - selected_->gaps().size(), "gap") +
        " more; see smtptape info");
  }
  for (const std::string& notice : inputs_->trouble().notices)
    say(notice);
  for (const std::string& damage : inputs_->trouble().damage)
    say(damage);
  return selected_->gap_count() > 0 || !inputs_->trouble().damage.empty();
}

}  // namespace smtptape
