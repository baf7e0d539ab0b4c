// smtptape trace-smtp-client: the live feed, with the command line of kcli's own.
#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/options/endpoint_options.h"
#include "cli/options/selection_options.h"
#include "cli/run/live.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

Endpoint endpoint_to_trace(bool as_live) {
  try {
    return parse_endpoint(kcli_endpoint(), as_live ? EndpointRules::AsKcli : EndpointRules::Ours);
  } catch (const EndpointError& error) {
    if (!as_live) throw;
    if (!error.kcli_text().empty()) throw AsKcliError(error.kcli_text());
    throw Error(error.what(), error.kcli_exit());
  }
}

class TraceSmtpClientCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "trace-smtp-client"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Show the live feed, with kcli's command line";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape --endpoint http://127.0.0.1:8000 trace-smtp-client --domain dest.example\n"
           "  KUMO_KCLI_ENDPOINT=http://mta-1:8000 smtptape trace-smtp-client --only-new --terse";
  }
  void describe(Options& options) override {
    filters_.describe(options);
    text_.describe(options);
    access_.describe(options);
    options.value("--buffer",
                  buffer_,
                  "SIZE",
                  "So much waits while nobody reads what is shown; more is left out, and told "
                  "(default: 256M)");
  }
  [[nodiscard]] bool as_live() const override { return filters_.as_live; }

  [[nodiscard]] int run() override {
    LiveOptions live;
    live.feed.endpoint = endpoint_to_trace(as_live());
    live.request = filters_.request();
    live.honour = filters_.honour();
    live.buffer = parse_buffer();
    live.render = text_.render(filters_);
    if (as_live() && access_.settings.any()) {
      throw UsageError("--as-live: kcli knows neither TLS nor credentials; leave it or them away");
    }
    live.feed.access = access_.access(live.feed.endpoint);
    live.tell_difference = [this] { filters_.tell_difference(); };
    StandardOutput out;
    return static_cast<int>(show_live(std::move(live), out));
  }

 private:
  [[nodiscard]] std::uint64_t parse_buffer() const {
    const std::uint64_t bytes = parse_size(buffer_, "--buffer");
    if (bytes == 0) throw UsageError("--buffer: 0 would show nothing; give a size, as 64M");
    return bytes;
  }

  FilterOptions filters_;
  TextOptions text_;
  EndpointOptions access_;
  std::string buffer_ = "256M";
};

}  // namespace

std::unique_ptr<Command> make_trace_smtp_client_command() {
  return std::make_unique<TraceSmtpClientCommand>();
}

}  // namespace smtptape
