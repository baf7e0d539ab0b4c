// smtptape capture: records a live feed into a store.
#include "capture/capture.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/counted.h"
#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/config/config.h"
#include "cli/config/config_keys.h"
#include "cli/config/config_value.h"
#include "cli/config/recorder_settings.h"
#include "cli/options/endpoint_options.h"
#include "cli/options/mistakes.h"
#include "cli/options/retention_options.h"
#include "cli/options/selection_options.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

constexpr std::string_view kEventsLimit = "events:";
constexpr std::string_view kTimeLimit = "duration:";

// "drop|delete-oldest|stop"
std::string joined(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words)
    text += (text.empty() ? "" : "|") + std::string(word);
  return text;
}

class CaptureCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "capture"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Record a live feed into a store";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape capture --endpoint http://127.0.0.1:8000 --store night --stop-after "
           "duration:8h\n"
           "  smtptape capture --config /etc/smtptape/smtptape.toml";
  }
  void describe(Options& options) override {
    options.group("What is recorded, and where");
    options.value("--store", store_, "DIR", "The directory of tapes; made when it is missing");
    options.values("--endpoint",
                   endpoints_,
                   "URL",
                   "kumod's HTTP listener (or KUMO_KCLI_ENDPOINT); several: one source each");
    options.values("--name",
                   names_,
                   "SOURCE",
                   "Name of the source (default: the endpoint's host); as many as endpoints");
    options.value("--config", config_, "FILE", "Settings and sources (docs/configuration.md)");
    options.flag("--check",
                 check_,
                 "Only read the file of --config and those it names, and tell every mistake");
    setting(options,
            "--bodies",
            joined(words_of(Bodies{})),
            "Of messages keep: full (default), headers, none");
    setting(options,
            "--secrets",
            joined(words_of(Secrets{})),
            "Passwords of AUTH: keep (default), mask");
    options.group("When it ends (else: Ctrl-C)");
    options.values("--stop-after",
                   stop_after_,
                   "LIMIT",
                   "events:N (of each source), duration:T; of several, the first that is reached");
    options.flag("--until-end",
                 until_end_,
                 "Stop when the server ends the feed, or when it can't be reached");
    describe_tapes(options);
    options.group("Limits of the store");
    retention_.describe(options, std::to_string(kDefaultKeepFreePercent) + "%");
    setting(options,
            "--on-full",
            joined(words_of(OnFull{})),
            "When there is no room: drop (default), delete-oldest, stop");
    options.group("Watching");
    setting(options, "--listen-metrics", "HOST:PORT", "Metrics and health over HTTP");
    options.value("--socket", socket_, "PATH", "For status and orders (default: in the store)");
    access_.describe(options);
    filters_.describe(options);
    describe_costs(options);
  }
  [[nodiscard]] bool as_live() const override { return filters_.as_live; }

  [[nodiscard]] int run() override {
    if (check_) return check_config();
    CaptureOptions options;
    Config config;
    try {
      config = settings();
      RecorderSettings checked = recorder_settings_of(config);
      // Nobody waits with --until-end for a file to come.
      if (until_end_ && !checked.troubles.empty()) throw UsageError(checked.troubles.front());
      options = std::move(checked.options);
      if (!config_) filters_.tell_difference();
      for (const std::string& warning : checked.warnings)
        say(warning);
    } catch (const ConfigError& error) {
      say_raw(error.what());
      return static_cast<int>(error.exit());
    }
    options.at_the_end = until_end_ ? AtTheEnd::Stop : AtTheEnd::TryAgain;
    set_limits(options);
    if (config_) {
      options.reload = [this, config] { return reload(config); };
    }
    const StopSignal stop;
    const StopOnSignals on_signals(stop);
    run_capture(std::move(options), stop, [](std::string_view text) { say_without_waiting(text); });
    return static_cast<int>(Exit::Done);
  }

 private:
  void describe_tapes(Options& options) {
    options.group("Tapes");
    setting(options, "--rotate-size", "SIZE", "A tape's size on disk (default: 256M)");
    setting(options, "--rotate-interval", "TIME", "A tape's span (default: 1h)");
    options.flag("--rotate-aligned", rotate_aligned_, "Spans begin on the hour, at midnight (UTC)");
  }

  void describe_costs(Options& options) {
    options.group("What a crash or a slow disk can cost");
    setting(options,
            "--flush-interval",
            "TIME",
            "What came is written after so long: all that a crash can cost (default: 1s)");
    setting(options,
            "--sync-interval",
            "TIME",
            "What was written goes to the disk after so long, for power loss (default: 1s)");
    setting(options,
            "--queue-bytes",
            "SIZE",
            "What may wait in memory for a slow disk, of all sources (default: 128M)");
    setting(options, "--max-frame", "SIZE", "Larger frames leave a gap (default: 64M)");
    setting(options, "--batch-bytes", "SIZE", "What is written at once (default: 256K)");
    setting(options, "--group-bytes", "SIZE", "What is compressed as one (default: 16M)");
    options.group("Options");
  }

  // A flag that says what a key of the configuration file says.
  void setting(Options& options,
               const std::string& flag,
               const std::string& value_name,
               const std::string& help) {
    options.value(flag, given_[flag], value_name, help);
  }

  // Sources come and go with a restart only.
  [[nodiscard]] StoreLimits reload(const Config& running) const {
    const Config read = settings();
    const StoreLimits limits = limits_of(read.store, running.sources.size());
    say_without_waiting(*config_ + ": read; its limits hold from now on");
    std::string waiting;
    for (const std::string& name : what_takes_a_restart(running, read))
      waiting += (waiting.empty() ? "" : ", ") + name;
    if (!waiting.empty()) say_without_waiting("changed, but takes a restart: " + waiting);
    return limits;
  }

  [[nodiscard]] int check_config() const {
    if (!config_) throw UsageError("--check: which file? give --config FILE");
    try {
      const Config config = load_config(*config_, SourcesIn::File, NamedFiles::Checked);
      const std::size_t sources = config.sources.size();
      static_cast<void>(limits_of(config.store, sources));
      StandardOutput().write(visible(*config_) + ": " + counted(sources, "source") + ", good\n");
    } catch (const ConfigError& error) {
      say_raw(error.what());
      return static_cast<int>(error.exit());
    }
    return static_cast<int>(Exit::Done);
  }

  // Flags beat the file.
  [[nodiscard]] Config settings() const {
    const SourcesIn where = endpoints().empty() ? SourcesIn::File : SourcesIn::Elsewhere;
    Config config = config_ ? load_config(*config_, where) : Config{};
    config.store = merged(flags(), config.store);
    if (!config_ || !endpoints().empty()) {
      config.sources = sources();
    } else if (filters_.any() || access_.settings.any() || !names_.empty()) {
      throw UsageError("the sources come from " + *config_ +
                       ": give names, filters and credentials there, or --endpoint here");
    }
    return config;
  }

  // That were given, before or behind the command's name.
  [[nodiscard]] std::vector<std::string> endpoints() const {
    if (!endpoints_.empty() || leading_endpoint().empty()) return endpoints_;
    return {leading_endpoint()};
  }

  [[nodiscard]] std::vector<SourceSettings> sources() const {
    std::vector<std::string> endpoints = this->endpoints();
    if (endpoints.empty()) endpoints.push_back(kcli_endpoint());
    if (!names_.empty() && names_.size() != endpoints.size()) {
      throw UsageError("--name: " + counted(names_.size(), "name") + " for " +
                       counted(endpoints.size(), "endpoint") + "; give each its own");
    }
    std::vector<SourceSettings> sources;
    for (std::size_t i = 0; i < endpoints.size(); ++i)
      sources.push_back(source(endpoints[i], names_.empty() ? "" : names_[i]));
    return sources;
  }

  [[nodiscard]] SourceSettings source(const std::string& endpoint, const std::string& name) const {
    SourceSettings source;
    source.endpoint = endpoint;
    if (!name.empty()) source.name = name;
    source.filters = filters_.values;
    source.terse = filters_.terse;
    source.as_live = filters_.as_live;
    static_cast<AccessSettings&>(source) = access_.settings;
    return source;
  }

  // What was given on the command line.
  [[nodiscard]] StoreSettings flags() const {
    StoreSettings flags;
    if (store_) flags.store = *store_;
    if (rotate_aligned_) flags.rotate_aligned = true;
    if (socket_) flags.socket = *socket_;
    Mistakes mistakes;
    const auto read = [&](const std::string& flag, const std::optional<std::string>& text) {
      if (text) mistakes.check([&] { read_flag(flag, *text, flags); });
    };
    for (const auto& [flag, text] : given_)
      read(flag, text);
    retention_.read(mistakes, flags);
    if (socket_ && socket_->empty()) {
      mistakes.check(
          [] { throw UsageError("--socket: the path is empty; leave it out, or name one"); });
    }
    mistakes.throw_if_any();
    return flags;
  }

  // The first limit that is reached counts, so of two of a kind the lower.
  void set_limits(CaptureOptions& options) const {
    const auto lower = [](auto& limit, auto value) {
      limit = limit ? std::min(*limit, value) : value;
    };
    for (const std::string& text : stop_after_) {
      const std::string_view limit = text;
      if (limit.starts_with(kTimeLimit)) {
        lower(options.most_time, parse_time_limit(limit.substr(kTimeLimit.size())));
      } else if (limit.starts_with(kEventsLimit)) {
        lower(options.most_events, parse_count(limit.substr(kEventsLimit.size())));
      } else {
        throw UsageError("--stop-after: \"" + text + "\" is neither events:N nor duration:T");
      }
    }
  }

  [[nodiscard]] static std::chrono::nanoseconds parse_time_limit(std::string_view text) {
    const std::chrono::nanoseconds time = parse_duration(text, "--stop-after");
    if (time.count() <= 0) throw UsageError("--stop-after: must be more than 0");
    return time;
  }

  [[nodiscard]] static std::uint64_t parse_count(std::string_view digits) {
    constexpr std::size_t kMostDigits = 18;
    const bool number = !digits.empty() && digits.size() <= kMostDigits &&
                        digits.find_first_not_of("0123456789") == std::string_view::npos;
    const std::uint64_t count = number ? std::stoull(std::string(digits)) : 0;
    if (count > 0) return count;
    throw UsageError("--stop-after: \"events:" + std::string(digits) + "\" names no number");
  }

  FilterOptions filters_;
  EndpointOptions access_;
  RetentionOptions retention_;
  std::optional<std::string> config_;
  bool check_ = false;
  std::optional<std::string> store_;
  std::vector<std::string> endpoints_;
  std::vector<std::string> names_;
  bool until_end_ = false;
  std::vector<std::string> stop_after_;
  bool rotate_aligned_ = false;
  std::optional<std::string> socket_;
  std::map<std::string, std::optional<std::string>> given_;  // by flag
};

}  // namespace

std::unique_ptr<Command> make_capture_command() {
  return std::make_unique<CaptureCommand>();
}

}  // namespace smtptape
