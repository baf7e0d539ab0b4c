// smtptape stats: sessions counted by what they have in common.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/small_file.h"
#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/options/mistakes.h"
#include "cli/options/selection_options.h"
#include "cli/options/words.h"
#include "cli/run/configured_store.h"
#include "cli/run/session_source.h"
#include "cli/text/output.h"
#include "cli/text/pager.h"
#include "cli/text/terminal.h"
#include "replay/json/stats_json.h"

namespace smtptape {

namespace {

template <class Value, std::size_t Count>
Value value_named(const std::string& word, const char* option) {
  std::string names;
  for (std::size_t i = 0; i < Count; ++i) {
    const std::string_view name = name_of(static_cast<Value>(i));
    if (word == name) return static_cast<Value>(i);
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  throw UsageError(std::string(option) + ": \"" + word + "\" is none of " + names);
}

class StatsCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "stats"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Count sessions by provider, host, reply, …";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape stats /var/lib/smtptape --by provider --since \"yesterday 22:00\"\n"
           "  smtptape stats /var/lib/smtptape --by provider,reply --since -2h --compare "
           "yesterday\n"
           "  smtptape stats night.tape --by egress-source --columns sessions,codes --csv";
  }
  void describe(Options& options) override {
    selection_.describe_whole_sessions(options);
    options.group("Output");
    options.value("--by",
                  by_,
                  "KEY[,KEY]",
                  "What is counted together (default: provider): provider, mx-host, mx-addr, "
                  "source (our address), pool, egress-source, tenant, campaign, domain, code, "
                  "reply, phase, tls, hour");
    options.value(
        "--columns",
        columns_,
        "NAME,NAME",
        "sessions, messages, recipients, codes, shares, first, last, phases, replies "
        "(default: all; by code or reply without the last two, and without these sealed tapes "
        "are answered from their rows)");
    options.value("-n,--count",
                  count_,
                  "N",
                  "The first N keys only (default: 20 in a table, all with --json and --csv)");
    options.value("--bucket", bucket_, "DURATION", "Also over time, in steps of this length");
    options.value(
        "--compare",
        compare_,
        "yesterday|DURATION",
        "With the same span a day, or so long, before: what fails more often comes first");
    options.value("--providers",
                  providers_,
                  "FILE",
                  "More providers: lines of the end of an MX host's name, and a name");
    options.flag("--json", json_, "One JSON object a key and line");
    options.flag("--csv", csv_, "Comma-separated values, with a line of names");
    options.flag("--no-pager", no_pager_, "Straight to the terminal, not through a pager");
    options.group("Options");
    store_.describe(options);
  }

  [[nodiscard]] int run() override {
    Selection selection;
    Statistics::Question question;
    StatsView view;
    Mistakes mistakes;
    mistakes.check([&] { selection = selection_.whole_sessions(); });
    mistakes.check([&] { question.by = parse_keys(); });
    mistakes.check([&] { view = parse_view(); });
    mistakes.check([&] { question.bucket = parse_bucket(); });
    mistakes.check([&] { static_cast<void>(before(selection.window)); });
    mistakes.check([&] {
      if (json_ && csv_) throw UsageError("--json and --csv don't go together");
    });
    mistakes.throw_if_any();
    const auto wants = [&view](StatsColumn column) {
      return std::find(view.columns.begin(), view.columns.end(), column) != view.columns.end();
    };
    question.phases = wants(StatsColumn::Phases);
    question.refusals = wants(StatsColumn::Replies);
    if (selection_.tapes.empty()) selection_.tapes = {store_.store()};
    return answer(selection, question, view);
  }

 private:
  [[nodiscard]] std::vector<StatsKey> parse_keys() const {
    std::vector<StatsKey> keys;
    for (const std::string& word : words_of(by_))
      keys.push_back(value_named<StatsKey, kStatsKeys>(word, "--by"));
    if (keys.empty() || keys.size() > 2) throw UsageError("--by: one or two keys are needed");
    const auto has = [&keys](std::initializer_list<StatsKey> some) {
      return std::find_first_of(keys.begin(), keys.end(), some.begin(), some.end()) != keys.end();
    };
    using Key = StatsKey;
    if (has({Key::Phase}) && has({Key::Tenant, Key::Campaign, Key::Domain, Key::Code, Key::Reply}))
      throw UsageError("--by: phases are a connection's: they go with keys of a session only");
    return keys;
  }

  [[nodiscard]] StatsView parse_view() const {
    StatsView view;
    for (const std::string& word : words_of(columns_))
      view.columns.push_back(value_named<StatsColumn, kStatsColumns>(word, "--columns"));
    for (std::size_t i = 0; columns_.empty() && i < kStatsColumns; ++i) {
      const auto column = static_cast<StatsColumn>(i);
      const bool detail = column == StatsColumn::Phases || column == StatsColumn::Replies;
      if (!detail || !tells_itself()) view.columns.push_back(column);
    }
    view.most_keys = count_ ? parse_count_of(*count_, "-n") : json_ || csv_ ? 0 : kUsualKeys;
    if (count_) view.most_details = view.most_keys;
    if (is_terminal()) view.room = {terminal_columns(), terminal_takes_utf8()};
    return view;
  }

  // By replies, the replies are there, and how long the rest of their sessions took is no answer.
  [[nodiscard]] bool tells_itself() const {
    const std::vector<std::string> keys = words_of(by_);
    return std::any_of(keys.begin(), keys.end(), [](const std::string& key) {
      return key == name_of(StatsKey::Code) || key == name_of(StatsKey::Reply);
    });
  }

  [[nodiscard]] std::int64_t parse_bucket() const {
    if (!bucket_) return 0;
    const std::int64_t length = parse_duration(*bucket_, "--bucket").count();
    if (length <= 0) throw UsageError("--bucket: a length of time is needed, such as 10m");
    return length;
  }

  // The same span some time before; nullopt: nobody asked for it.
  [[nodiscard]] std::optional<TimeWindow> before(const TimeWindow& window) const {
    if (!compare_) return std::nullopt;
    constexpr std::int64_t kDay = 24LL * 3600 * 1'000'000'000;
    const std::int64_t back =
        *compare_ == "yesterday" ? kDay : parse_duration(*compare_, "--compare").count();
    if (back <= 0) throw UsageError("--compare: yesterday, or a length of time such as 7d");
    if (!window.since)
      throw UsageError("--compare needs --since: it takes the same span some time before");
    return TimeWindow{*window.since - back, window.until.value_or(now_unix_nanos()) - back};
  }

  int answer(const Selection& selection, const Statistics::Question& question, StatsView view) {
    Providers providers;
    if (providers_)
      providers.extend(read_small_file(*providers_, "a table of providers"), *providers_);
    bool incomplete = false;
    std::optional<Statistics> earlier;
    if (const auto window = before(selection.window)) {
      Selection then = selection;
      then.window = *window;
      earlier.emplace(question, providers);
      incomplete = count(then, *earlier);
      view.before = &*earlier;
      Inputs::rewind_standard_input();
    }
    Statistics now(question, providers);
    if (count(selection, now)) incomplete = true;
    if (now.all().sessions > 0) print(now, view);
    if (now.has_others()) {
      say("more than " + std::to_string(now.most_keys()) + " keys: the later ones are in " +
          std::string(Statistics::kOthers));
    }
    return static_cast<int>(incomplete ? Exit::Incomplete : Exit::Done);
  }

  // True: something is missing.
  bool count(const Selection& selection, Statistics& statistics) {
    const Statistics::Question& question = statistics.question();
    const bool stories = question.phases || question.refusals ||
                         std::any_of(question.by.begin(), question.by.end(), needs_story);
    SelectedTapes tapes(selection_, selection, progress_unless_shown("stats"));
    using Facts = SessionSource::Facts;
    SessionSource source(tapes, stories ? Facts::Stories : Facts::Figures);
    SessionBatch batch;
    while (source.next(batch)) {
      for (std::size_t i = 0; i < batch.sessions.size(); ++i) {
        if (stories) {
          statistics.add(batch.sessions[i], batch.stories[i]);
        } else {
          statistics.add(batch.sessions[i]);
        }
      }
    }
    source.tell_end();
    return tapes.tell_end(statistics.all().sessions > 0 ? Answer::Something : Answer::Empty);
  }

  void print(const Statistics& statistics, const StatsView& view) const {
    Pager pager(no_pager_ || json_ || csv_ ? Paged::No : Paged::Yes);
    StandardOutput out;
    if (json_) return out.write_json(json_lines(statistics, view));
    out.write(csv_ ? csv_lines(statistics, view) : text_of(statistics, view));
  }

  static constexpr std::size_t kUsualKeys = 20;  // of a table for a person

  SelectionOptions selection_;
  std::string by_ = "provider";
  std::string columns_;
  std::optional<std::string> count_;
  std::optional<std::string> bucket_;
  std::optional<std::string> compare_;
  std::optional<std::string> providers_;
  bool json_ = false;
  bool csv_ = false;
  bool no_pager_ = false;
  StoreOption store_;
};

}  // namespace

std::unique_ptr<Command> make_stats_command() {
  return std::make_unique<StatsCommand>();
}

}  // namespace smtptape
