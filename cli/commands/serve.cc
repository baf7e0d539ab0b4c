// smtptape serve: recorded events on kumod's own endpoint, for kcli or any other client.
#include "replay/serve.h"

#include <cerrno>
#include <csignal>

#include "cli/command.h"
#include "cli/text/output.h"
#include "replay/served_events.h"

namespace smtptape {

namespace {

Server* stopped_by_signals = nullptr;

extern "C" void stop_server(int /*signal*/) {
  const int interrupted = errno;
  if (stopped_by_signals != nullptr) stopped_by_signals->stop();
  errno = interrupted;
}

// SIGINT and SIGTERM end the server while this lives.
class StopOnSignals {
 public:
  explicit StopOnSignals(Server& server) {
    stopped_by_signals = &server;
    struct sigaction action {};
    action.sa_handler = stop_server;
    ::sigaction(SIGINT, &action, &old_int_);
    ::sigaction(SIGTERM, &action, &old_term_);
  }
  ~StopOnSignals() {
    ::sigaction(SIGINT, &old_int_, nullptr);
    ::sigaction(SIGTERM, &old_term_, nullptr);
    stopped_by_signals = nullptr;
  }
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

class ServeCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "serve"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Offer a recording on kumod's own endpoint; the real kcli connects";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape serve /var/lib/smtptape               play all of a store to each client\n"
           "  smtptape serve night.tape --speed 10 --once    ten times as fast as it was, once";
  }
  void describe(Options& options) override {
    options.positional("TAPE",
                       inputs_,
                       Options::Count::Any,
                       "Tapes, directories of tapes, files of frames (JSON lines), or -");
    options.value("--listen", options_.listen, "ADDRESS:PORT", "Default: 127.0.0.1:8001");
    options.flag("--public", public_, "Let others than this machine connect");
    options.value(
        "--speed", speed_, "max|FACTOR", "max (default), or times as fast as it was received");
    options.value("--idle-limit", idle_limit_, "TIME", "No pause is longer than this");
    options.flag("--once", once_, "End after the first client");
    options.flag("--keep-doubles",
                 keep_doubles_,
                 "What several recorders of one endpoint have: each time, not once");
    options.flag("--as-live", as_live_, "Honour the filters as kumod does, not as its manual says");
  }

  [[nodiscard]] int run() override {
    options_.reach = public_ ? Reach::Anyone : Reach::Loopback;
    options_.duty = once_ ? Duty::FirstClient : Duty::UntilStopped;
    options_.honour = as_live_ ? Honour::AsLive : Honour::Documented;
    options_.pace = parse_pace(speed_, idle_limit_);
    ServedEvents events(inputs_, say, keep_doubles_ ? Doubles::Keep : Doubles::LeaveOut);
    Server server(
        options_, [&events] { return events.open(); }, say);
    const StopOnSignals stop(server);
    say_lines(how_to_connect(server.url(), options_.reach));
    const ServeTotals totals = server.run();
    if (totals.failures > 0) return static_cast<int>(Exit::Failed);
    return static_cast<int>(events.trouble() && !as_live_ ? Exit::Incomplete : Exit::Done);
  }

 private:
  std::vector<std::string> inputs_;
  ServeOptions options_;
  std::optional<std::string> speed_;
  std::optional<std::string> idle_limit_;
  bool public_ = false;
  bool once_ = false;
  bool as_live_ = false;
  bool keep_doubles_ = false;
};

}  // namespace

std::unique_ptr<Command> make_serve_command() {
  return std::make_unique<ServeCommand>();
}

}  // namespace smtptape
