// smtptape capture: records a live feed into a store.
#include "capture/capture.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/counted.h"
#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/config/config.h"
#include "cli/config/config_keys.h"
#include "cli/config/recorder_settings.h"
#include "cli/options/endpoint_options.h"
#include "cli/options/retention_options.h"
#include "cli/options/selection_options.h"
#include "cli/options/tape_output.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

constexpr std::string_view kEventsLimit = "events:";
constexpr std::string_view kTimeLimit = "duration:";

// What was not given stays so.
std::optional<std::uint64_t> size(const std::optional<std::string>& text,
                                  std::string_view option,
                                  std::uint64_t least,
                                  std::uint64_t most) {
  if (!text) return std::nullopt;
  const std::uint64_t size = parse_size(*text, option);
  if (size >= least && size <= most) return size;
  throw UsageError(std::string(option) + ": " + *text + " is not between " + show_size(least) +
                   " and " + show_size(most));
}

std::chrono::nanoseconds positive_duration(std::string_view text, std::string_view option) {
  const std::chrono::nanoseconds time = parse_duration(text, option);
  if (time.count() <= 0) throw UsageError(std::string(option) + ": must be more than 0");
  return time;
}

std::optional<std::chrono::nanoseconds> duration(const std::optional<std::string>& text,
                                                 std::string_view option) {
  if (!text) return std::nullopt;
  return positive_duration(*text, option);
}

template <class Word>
Word choice(const std::string& text, const std::string& option) {
  std::string known;
  const auto words = words_of(Word{});
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == text) return static_cast<Word>(i);
    known += (i == 0 ? "" : ", ") + std::string(words[i]);
  }
  throw UsageError(option + ": \"" + text + "\" is none of " + known);
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
    options.value("--bodies", bodies_, "LEVEL", "Of messages keep: full (default), headers, none");
    options.value("--secrets", secrets_, "LEVEL", "Passwords of AUTH: keep (default), mask");
    options.group("When it ends (else: Ctrl-C)");
    options.value("--stop-after", stop_after_, "LIMIT", "events:N (of each source) or duration:T");
    options.flag("--until-end",
                 until_end_,
                 "Stop when the server ends the feed, or when it can't be reached");
    describe_tapes(options);
    options.group("Limits of the store");
    retention_.describe(options, std::to_string(kDefaultKeepFreePercent) + "%");
    options.value("--on-full",
                  on_full_,
                  "WHAT",
                  "When there is no room: drop (default), delete-oldest, stop");
    options.group("Watching");
    options.value("--listen-metrics", listen_metrics_, "HOST:PORT", "Metrics and health over HTTP");
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
    set_limit(options);
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
    options.value("--rotate-size", rotate_size_, "SIZE", "A tape's size on disk (default: 256M)");
    options.value("--rotate-interval", rotate_interval_, "TIME", "A tape's span (default: 1h)");
    options.flag("--rotate-aligned", rotate_aligned_, "Spans begin on the hour, at midnight (UTC)");
  }

  void describe_costs(Options& options) {
    options.group("What a crash or a slow disk can cost");
    options.value("--flush-interval",
                  flush_interval_,
                  "TIME",
                  "What came is written after so long: all that a crash can cost (default: 1s)");
    options.value("--sync-interval",
                  sync_interval_,
                  "TIME",
                  "What was written goes to the disk after so long, for power loss (default: 1s)");
    options.value("--queue-bytes",
                  queue_bytes_,
                  "SIZE",
                  "What may wait in memory for a slow disk, of all sources (default: 128M)");
    options.value("--max-frame", max_frame_, "SIZE", "Larger frames leave a gap (default: 64M)");
    options.value("--batch-bytes", batch_bytes_, "SIZE", "What is written at once (default: 256K)");
    options.value(
        "--group-bytes", group_bytes_, "SIZE", "What is compressed as one (default: 16M)");
    options.group("Options");
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

  // Elsewhere 0 may say "no limit"; here it would delete everything.
  [[noreturn]] static void refuse_zero(const std::string& option) {
    throw UsageError(option + ": 0 would keep nothing; leave it out for no limit");
  }

  // What was given on the command line.
  [[nodiscard]] StoreSettings flags() const {
    constexpr std::uint64_t kMostRotateSize = 1024 * 1024 * kMiB;
    constexpr std::uint64_t kMostQueue = 64 * 1024 * kMiB;
    StoreSettings flags;
    if (store_) flags.store = *store_;
    flags.rotate_size = size(rotate_size_, "--rotate-size", 4 * kKiB, kMostRotateSize);
    flags.rotate_interval = duration(rotate_interval_, "--rotate-interval");
    if (rotate_aligned_) flags.rotate_aligned = true;
    const RetentionLimits retention = retention_.limits();
    flags.max_bytes = retention.max_bytes;
    flags.max_age = retention.max_age;
    flags.max_tapes = retention.max_tapes;
    if (flags.max_age && flags.max_age->count() == 0) refuse_zero("--max-age");
    if (flags.max_tapes == 0U) refuse_zero("--max-tapes");
    flags.keep_free = retention.keep_free;
    if (retention_.keep_at_least) flags.keep_at_least = retention.keep_at_least;
    if (on_full_) flags.on_full = choice<OnFull>(*on_full_, "--on-full");
    flags.flush_interval = duration(flush_interval_, "--flush-interval");
    flags.sync_interval = duration(sync_interval_, "--sync-interval");
    flags.batch_bytes = size(batch_bytes_, "--batch-bytes", kKiB, 64 * kMiB);
    flags.group_bytes = size(group_bytes_, "--group-bytes", kKiB, 64 * kMiB);
    flags.queue_bytes = size(queue_bytes_, "--queue-bytes", kMiB, kMostQueue);
    if (max_frame_) flags.max_frame = parse_max_frame(*max_frame_);
    if (bodies_) flags.bodies = choice<Bodies>(*bodies_, "--bodies");
    if (secrets_) flags.secrets = choice<Secrets>(*secrets_, "--secrets");
    flags.listen_metrics = listen_metrics_;
    if (socket_) {
      if (socket_->empty())
        throw UsageError("--socket: the path is empty; leave it out, or name one");
      flags.socket = *socket_;
    }
    return flags;
  }

  void set_limit(CaptureOptions& options) const {
    const std::string_view text = stop_after_;
    if (text.empty()) return;
    if (text.starts_with(kTimeLimit)) {
      options.most_time = positive_duration(text.substr(kTimeLimit.size()), "--stop-after");
    } else if (text.starts_with(kEventsLimit)) {
      options.most_events = parse_count(text.substr(kEventsLimit.size()));
    } else {
      throw UsageError("--stop-after: \"" + stop_after_ + "\" is neither events:N nor duration:T");
    }
  }

  [[nodiscard]] std::uint64_t parse_count(std::string_view digits) const {
    constexpr std::size_t kMostDigits = 18;
    const bool number = !digits.empty() && digits.size() <= kMostDigits &&
                        digits.find_first_not_of("0123456789") == std::string_view::npos;
    const std::uint64_t count = number ? std::stoull(std::string(digits)) : 0;
    if (count == 0) throw UsageError("--stop-after: \"" + stop_after_ + "\" names no number");
    return count;
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
  std::string stop_after_;
  std::optional<std::string> bodies_;
  std::optional<std::string> secrets_;
  std::optional<std::string> on_full_;
  std::optional<std::string> listen_metrics_;
  std::optional<std::string> socket_;
  std::optional<std::string> max_frame_;
  std::optional<std::string> queue_bytes_;
  std::optional<std::string> rotate_size_;
  std::optional<std::string> rotate_interval_;
  bool rotate_aligned_ = false;
  std::optional<std::string> flush_interval_;
  std::optional<std::string> sync_interval_;
  std::optional<std::string> batch_bytes_;
  std::optional<std::string> group_bytes_;
};

}  // namespace

std::unique_ptr<Command> make_capture_command() {
  return std::make_unique<CaptureCommand>();
}

}  // namespace smtptape
