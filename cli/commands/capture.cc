// smtptape capture: records a live feed into a store.
#include "capture/capture.h"

#include <optional>
#include <string>

#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/endpoint_options.h"
#include "cli/output.h"
#include "cli/selection_options.h"
#include "cli/tape_output.h"
#include "cli/version.h"

namespace smtptape {

namespace {

constexpr std::string_view kEventsLimit = "events:";
constexpr std::string_view kTimeLimit = "duration:";

std::uint64_t size_between(const std::string& text,
                           std::string_view option,
                           std::uint64_t least,
                           std::uint64_t most) {
  const std::uint64_t size = parse_size(text, option);
  if (size >= least && size <= most) return size;
  throw UsageError(std::string(option) + ": " + text + " is not between " + show_size(least) +
                   " and " + show_size(most));
}

std::chrono::nanoseconds positive_duration(std::string_view text, std::string_view option) {
  const std::chrono::nanoseconds time = parse_duration(text, option);
  if (time.count() <= 0) throw UsageError(std::string(option) + ": must be more than 0");
  return time;
}

class CaptureCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "capture"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Record a live feed into a store";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape capture --endpoint http://127.0.0.1:8000 --store /var/lib/smtptape\n"
           "  smtptape capture --store night --tenant acme --stop-after duration:8h\n"
           "  smtptape capture --endpoint https://mta-1:8443 --store night --cacert mta-1.pem\n"
           "  smtptape capture --store night --bodies headers --secrets mask";
  }
  void describe(Options& options) override {
    options.value("--store", store_, "DIR", "The directory of tapes; made when it is missing");
    options.value("--endpoint", endpoint_, "URL", "kumod's HTTP listener (or KUMO_KCLI_ENDPOINT)");
    options.value("--name", source_, "SOURCE", "Name of the source (default: the endpoint's host)");
    options.flag("--until-end", until_end_, "Stop when the server ends the feed");
    options.value("--stop-after", stop_after_, "LIMIT", "events:N or duration:T");
    options.value("--max-frame", max_frame_, "SIZE", "Larger frames leave a gap (default: 64M)");
    options.value("--rotate-size", rotate_size_, "SIZE", "A tape's size on disk (default: 256M)");
    options.value("--rotate-interval", rotate_interval_, "TIME", "A tape's span (default: 1h)");
    options.value("--bodies", bodies_, "LEVEL", "Of messages keep: full (default), headers, none");
    options.value("--secrets", secrets_, "LEVEL", "Passwords of AUTH: keep (default), mask");
    options.value("--flush-interval",
                  flush_interval_,
                  "TIME",
                  "What came is written after so long: all that a crash can cost (default: 1s)");
    options.value("--sync-interval",
                  sync_interval_,
                  "TIME",
                  "What was written goes to the disk after so long, for power loss (default: 1s)");
    options.value("--batch-bytes", batch_bytes_, "SIZE", "What is written at once (default: 256K)");
    options.value(
        "--group-bytes", group_bytes_, "SIZE", "What is compressed as one (default: 16M)");
    options.value("--config", config_, "FILE", "Settings and sources (docs/configuration.md)");
    options.flag("--check", check_, "Only read the file of --config, and tell every mistake in it");
    access_.describe(options);
    filters_.describe(options);
  }
  [[nodiscard]] bool as_live() const override { return filters_.as_live; }

  [[nodiscard]] int run() override {
    if (check_) return check_config();
    if (config_) throw UsageError("--config: only with --check so far");
    const CaptureOptions options = capture_options();
    filters_.tell_difference();
    const StopSignal stop;
    const StopOnSignals on_signals(stop);
    run_capture(options, stop, [](std::string_view line) { say(line); });
    return static_cast<int>(Exit::Done);
  }

 private:
  [[nodiscard]] int check_config() const {
    if (!config_) throw UsageError("--check: which file? give --config FILE");
    try {
      const std::size_t sources = load_config(*config_).sources.size();
      StandardOutput().write(printable(*config_) + ": " + std::to_string(sources) +
                             (sources == 1 ? " source, good\n" : " sources, good\n"));
    } catch (const ConfigError& error) {
      say_raw(error.what());
      return static_cast<int>(error.exit());
    }
    return static_cast<int>(Exit::Done);
  }

  [[nodiscard]] CaptureOptions capture_options() const {
    if (store_.empty()) throw UsageError("--store DIR is missing: where the tapes go");
    CaptureOptions options;
    options.endpoint = parse_endpoint(endpoint_.empty() ? kcli_endpoint() : endpoint_);
    options.request = filters_.request();
    options.honour = filters_.honour();
    options.store = store_;
    options.source = source_;
    options.writer = std::string("smtptape ") + kVersion;
    options.levels = {parse_bodies(), parse_secrets()};
    options.at_the_end = until_end_ ? AtTheEnd::Stop : AtTheEnd::TryAgain;
    options.max_frame = parse_max_frame(max_frame_);
    options.rotate_size = size_between(rotate_size_, "--rotate-size", 4 * kKiB, 1024 * 1024 * kMiB);
    options.rotate_interval = positive_duration(rotate_interval_, "--rotate-interval");
    options.flush_interval = positive_duration(flush_interval_, "--flush-interval");
    options.sync_interval = positive_duration(sync_interval_, "--sync-interval");
    options.batch_bytes = size_between(batch_bytes_, "--batch-bytes", kKiB, 64 * kMiB);
    options.group_bytes = size_between(group_bytes_, "--group-bytes", kKiB, 64 * kMiB);
    set_limit(options);
    options.access = access_.access(options.endpoint);
    return options;
  }

  [[nodiscard]] Bodies parse_bodies() const {
    if (bodies_ == "full") return Bodies::Full;
    if (bodies_ == "headers") return Bodies::Headers;
    if (bodies_ == "none") return Bodies::None;
    throw UsageError("--bodies: \"" + bodies_ + "\" is none of full, headers, none");
  }

  [[nodiscard]] Secrets parse_secrets() const {
    if (secrets_ == "keep") return Secrets::Keep;
    if (secrets_ == "mask") return Secrets::Mask;
    throw UsageError("--secrets: \"" + secrets_ + "\" is neither keep nor mask");
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
  std::optional<std::string> config_;
  bool check_ = false;
  EndpointOptions access_;
  std::string store_;
  std::string endpoint_;
  std::string source_;
  bool until_end_ = false;
  std::string stop_after_;
  std::string bodies_ = "full";
  std::string secrets_ = "keep";
  std::string max_frame_ = "64M";
  std::string rotate_size_ = "256M";
  std::string rotate_interval_ = "1h";
  std::string flush_interval_ = "1s";
  std::string sync_interval_ = "1s";
  std::string batch_bytes_ = "256K";
  std::string group_bytes_ = "16M";
};

}  // namespace

std::unique_ptr<Command> make_capture_command() {
  return std::make_unique<CaptureCommand>();
}

}  // namespace smtptape
