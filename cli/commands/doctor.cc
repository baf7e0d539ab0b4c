// smtptape doctor: would a recorder with these settings work, and for how long?
#include <algorithm>

#include "base/time_spec.h"
#include "capture/capture.h"
#include "capture/doctor/diagnosis.h"
#include "cli/command.h"
#include "cli/config/config.h"
#include "cli/config/recorder_settings.h"
#include "cli/options/endpoint_options.h"
#include "cli/options/retention_options.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"
#include "filters/request.h"

namespace smtptape {

namespace {

class DoctorCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "doctor"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Check endpoint, store, clock and space before recording";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape doctor --endpoint http://127.0.0.1:8000 --store /var/lib/smtptape\n"
           "  smtptape doctor --config /etc/smtptape/smtptape.toml\n"
           "  smtptape doctor --endpoint https://mta-1:8443 --cacert ca.pem";
  }
  void describe(Options& options) override {
    options.value("--config", config_, "FILE", "Store, limits and sources (docs/configuration.md)");
    options.values("--endpoint",
                   endpoints_,
                   "URL",
                   "kumod's HTTP listener (or KUMO_KCLI_ENDPOINT); can be repeated");
    options.value("--store", store_, "DIR", "The directory of tapes");
    options.value("--watch", watch_, "TIME", "How long to watch each feed (default: 3s)");
    options.flag("--json", json_, "One JSON object a line");
    options.group("Limits that are to be kept");
    retention_.describe(options, std::to_string(kDefaultKeepFreePercent) + "%");
    access_.describe(options);
  }

  [[nodiscard]] int run() override {
    const std::chrono::nanoseconds watch = parse_duration(watch_, "--watch");
    RetentionLimits limits = retention_.limits();
    Config config;
    try {
      if (config_) config = load_config(*config_);
    } catch (const ConfigError& error) {
      say_raw(error.what());
      return static_cast<int>(error.exit());
    }
    choose_sources(config);
    take_limits(config.store, limits);
    std::vector<FeedFacts> feeds;
    for (const SourceSettings& source : config.sources) {
      look_at_feed(source,
                   config.store,
                   std::chrono::duration_cast<std::chrono::milliseconds>(watch),
                   feeds);
    }
    if (!store_.empty()) {
      const StoreFacts store = look_at_store(store_, now_unix_nanos());
      print(judge_store(store));
      print(judge_growth(store, feeds, limits));
    }
    return static_cast<int>(failed_ ? Exit::Failed : Exit::Done);
  }

 private:
  // As capture chooses them.
  void choose_sources(Config& config) const {
    if (config_ && endpoints_.empty() && leading_endpoint().empty()) {
      if (!access_.settings.any()) return;
      throw UsageError("the sources come from " + *config_ +
                       ": give credentials there, or --endpoint here");
    }
    config.sources.clear();
    std::vector<std::string> endpoints = endpoints_;
    if (endpoints.empty()) endpoints.push_back(kcli_endpoint());
    for (const std::string& endpoint : endpoints) {
      SourceSettings& source = config.sources.emplace_back();
      source.endpoint = endpoint;
      static_cast<AccessSettings&>(source) = access_.settings;
    }
  }

  // What was given on the command line counts, else what the file says, else what capture does.
  void take_limits(const StoreSettings& file, RetentionLimits& limits) {
    if (store_.empty() && file.store) store_ = file.store->string();
    if (!limits.max_bytes) limits.max_bytes = file.max_bytes;
    if (!limits.max_age) limits.max_age = file.max_age;
    if (!limits.max_tapes) limits.max_tapes = file.max_tapes;
    if (!limits.keep_free) limits.keep_free = file.keep_free;
    if (!limits.keep_free) limits.keep_free = KeepFree{0, kDefaultKeepFreePercent};
  }

  void look_at_feed(const SourceSettings& source,
                    const StoreSettings& store,
                    std::chrono::milliseconds watch,
                    std::vector<FeedFacts>& feeds) {
    std::string about;  // without user and password
    try {
      const CheckedSource checked = checked_source(source, store);
      about = checked.options.endpoint.target;
      for (const std::string& warning : checked.warnings)
        print({{Health::Warn, "access", warning, {}, about}});
      if (source.tls_fingerprint) print({pinned(checked.options.endpoint)});
      if (!checked.trouble.empty()) throw UsageError(checked.trouble);
      FeedOptions options;
      options.endpoint = checked.options.endpoint;
      options.access = checked.options.access;
      options.request = to_json(checked.options.request);
      options.max_frame = store.max_frame.value_or(options.max_frame);
      feeds.push_back(probe_feed(options, watch));
      print(judge_feed(feeds.back()));
    } catch (const Error& error) {
      print({{Health::Fail, "endpoint", error.what(), {}, about}});
    }
  }

  [[nodiscard]] static Finding pinned(const Endpoint& endpoint) {
    return {Health::Warn,
            "access",
            endpoint.target +
                ": with --tls-fingerprint nothing is recorded from the day on when another "
                "certificate is shown, which a kumod without tls_certificate and tls_private_key "
                "on its HTTP listener makes at each start",
            "better give it both, and --cacert here",
            endpoint.target};
  }

  void print(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) {
      failed_ = failed_ || finding.health == Health::Fail;
      if (json_) {
        out_.write_json(json_of(finding));
      } else {
        out_.write(line_of(finding));
      }
    }
  }

  [[nodiscard]] static std::string line_of(const Finding& finding) {
    std::string health(name_of(finding.health));
    health.resize(6, ' ');
    return health + finding.what + ": " + visible(text_of(finding)) + "\n";
  }

  [[nodiscard]] static std::string json_of(const Finding& finding) {
    std::string health(name_of(finding.health));
    std::transform(health.begin(), health.end(), health.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    boost::json::object object{{"schema", "smtptape.doctor/1"},
                               {"health", json_string(health)},
                               {"what", json_string(finding.what)},
                               {"detail", json_string(finding.detail)}};
    if (!finding.about.empty()) object["about"] = json_string(finding.about);
    if (!finding.advice.empty()) object["advice"] = json_string(finding.advice);
    for (const Figure& figure : finding.figures)
      object[figure.name] = figure.value;
    return smtptape::line_of(object);
  }

  StandardOutput out_;
  std::optional<std::string> config_;
  std::vector<std::string> endpoints_;
  EndpointOptions access_;
  std::string store_;
  std::string watch_ = "3s";
  RetentionOptions retention_;
  bool json_ = false;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Command> make_doctor_command() {
  return std::make_unique<DoctorCommand>();
}

}  // namespace smtptape
