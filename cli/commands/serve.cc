// smtptape serve: recorded events on kumod's own endpoint, for kcli or any other client.
#include "replay/serve.h"

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/options/mistakes.h"
#include "cli/options/selection_options.h"
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

template <class Number>
Number parse_number(std::string_view text, std::string_view option, Number least) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && stop == end && number >= least) return number;
  throw UsageError(std::string(option) + " " + std::string(text) + ": want a number of " +
                   std::to_string(least) + " or more");
}

// As they were given.
struct FaultWords {
  std::optional<std::string> lag_every;
  std::optional<std::string> drop;
  std::optional<std::string> seed;
  std::optional<std::string> stall;
  std::optional<std::string> disconnect_after;

  [[nodiscard]] FaultOptions parse() const {
    FaultOptions faults;
    Mistakes mistakes;
    const auto read = [&mistakes](const std::optional<std::string>& text, auto&& reader) {
      if (text) mistakes.check([&] { reader(*text); });
    };
    read(lag_every, [&](const std::string& text) {
      faults.lag_every = parse_number<std::uint64_t>(text, "--lag-every", 1);
    });
    read(drop, [&](const std::string& text) { faults.drop = parse_share(text, "--drop"); });
    read(seed, [&](const std::string& text) {
      faults.seed = parse_number<std::uint64_t>(text, "--seed", 0);
      if (!drop) throw UsageError("--seed: chooses what --drop drops; give --drop, too");
    });
    read(stall, [&](const std::string& text) {
      faults.stall =
          std::chrono::duration_cast<std::chrono::milliseconds>(parse_duration(text, "--stall"));
    });
    read(disconnect_after, [&](const std::string& text) {
      faults.disconnect_after = parse_number<std::uint64_t>(text, "--disconnect-after", 0);
    });
    mistakes.throw_if_any();
    return faults;
  }

 private:
  // "0.01", "1%"
  static double parse_share(std::string_view text, std::string_view option) {
    const bool in_percent = text.ends_with('%');
    const std::string_view digits = text.substr(0, text.size() - (in_percent ? 1 : 0));
    double share = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, share);
    if (in_percent) share /= 100;
    if (error == std::errc{} && stop == end && share >= 0 && share <= 1) return share;
    throw UsageError(std::string(option) + " " + std::string(text) +
                     ": want a share of all events, from 0 to 1, as in 0.01 or 1%");
  }
};

class ServeCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "serve"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Offer a recording on kumod's own endpoint; the real kcli connects";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape serve /var/lib/smtptape               play all of a store to each client\n"
           "  smtptape serve night.tape --speed 10 --once    ten times as fast as it was, once\n"
           "  smtptape serve night.tape --lag-every 1000 --disconnect-after 5000    test a client";
  }
  void describe(Options& options) override {
    selection_.describe_served(options);
    options.value("--listen", options_.listen, "ADDRESS:PORT", "Default: 127.0.0.1:8001");
    options.flag("--public", public_, "Let others than this machine connect");
    options.value(
        "--speed",
        speed_,
        "max|FACTOR",
        "max (default): as fast as the client takes it, and a slow one is waited for; or times as "
        "fast as it was received: then a slow one misses what it would have missed live");
    options.value("--idle-limit", idle_limit_, "TIME", "No pause is longer than this, as 2s");
    options.flag("--loop", options_.loop, "Again and again, as long as the client stays");
    options.flag("--once", once_, "End after the first client");
    describe_faults(options);
  }

  [[nodiscard]] int run() override {
    options_.reach = public_ ? Reach::Anyone : Reach::Loopback;
    options_.duty = once_ ? Duty::FirstClient : Duty::UntilStopped;
    options_.honour = selection_.filters.honour();
    Selection selection;
    Mistakes mistakes;
    mistakes.check([&] { selection = selection_.selection(); });
    mistakes.check([&] { options_.pace = parse_pace(speed_, idle_limit_); });
    mistakes.check([&] { options_.faults = faults_.parse(); });
    mistakes.throw_if_any();
    ServedEvents events(selection_.tapes, say, selection_.doubles(), selection);
    Server server(
        options_, [&events] { return events.open(); }, say);
    const StopOnSignals stop(server);
    say_lines(how_to_connect(server.url(), options_.reach));
    for (const std::string& line : smtptape::describe(options_.faults))
      say("on purpose, " + line);
    const ServeTotals totals = server.run();
    if (totals.failures > 0) return static_cast<int>(Exit::Failed);
    const bool as_kumod = options_.honour == Honour::AsLive;
    return static_cast<int>(events.trouble() && !as_kumod ? Exit::Incomplete : Exit::Done);
  }

 private:
  void describe_faults(Options& options) {
    options.group("Faults on purpose, to test a client");
    options.value(
        "--lag-every", faults_.lag_every, "N", "Each Nth event is missing, with a notice");
    options.value("--drop", faults_.drop, "RATE", "This share is missing without a word: 0.01, 1%");
    options.value(
        "--seed", faults_.seed, "N", "Of --drop: what is dropped is the same each time (1)");
    options.value(
        "--stall", faults_.stall, "TIME", "Nothing is sent for so long behind the first event");
    options.value("--disconnect-after",
                  faults_.disconnect_after,
                  "N",
                  "The connection breaks after N events, in the middle of the next one");
    options.group("Options");
  }

  SelectionOptions selection_;
  ServeOptions options_;
  FaultWords faults_;
  std::optional<std::string> speed_;
  std::optional<std::string> idle_limit_;
  bool public_ = false;
  bool once_ = false;
};

}  // namespace

std::unique_ptr<Command> make_serve_command() {
  return std::make_unique<ServeCommand>();
}

}  // namespace smtptape
