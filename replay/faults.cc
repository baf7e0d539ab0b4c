#include "replay/faults.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/counted.h"

namespace smtptape {

namespace {

std::string number(double value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.begin(), digits.end(), value).ptr};
}

}  // namespace

std::string lag_text(std::uint64_t missed) {
  return "Tracer Lagged behind and missed " + std::to_string(missed) + " events";
}

Event lag_notice(const Event& beside, std::uint64_t missed, EventBatch& batch) {
  Event notice;
  notice.sequence = beside.sequence;
  notice.received = beside.received;
  notice.after = beside.after;
  notice.when = from_unix_nanos(beside.received);
  notice.origin = beside.origin;
  notice.kind = EventKind::Diagnostic;
  notice.level = "ERROR";
  notice.text = batch.arena.copy(lag_text(missed));
  notice.meta = Meta::null().get();  // which stays for ever
  return notice;
}

std::vector<std::string> describe(const FaultOptions& options) {
  std::vector<std::string> lines;
  if (options.lag_every > 0) {
    lines.push_back("--lag-every: one event of " + std::to_string(options.lag_every) +
                    " is missing, and a lag notice says so");
  }
  if (options.drop > 0) {
    lines.push_back("--drop: of all events the share of " + number(options.drop) +
                    " is missing without a word (--seed " + std::to_string(options.seed) + ")");
  }
  if (options.stall.count() > 0) {
    lines.push_back("--stall: behind the first event nothing is sent for " +
                    number(static_cast<double>(options.stall.count()) / 1000) + " s");
  }
  if (options.disconnect_after) {
    lines.push_back("--disconnect-after: the connection breaks after " +
                    counted(*options.disconnect_after, "event") +
                    ", in the middle of the next one");
  }
  return lines;
}

void Faults::apply(EventBatch& batch) {
  if (options_.lag_every == 0 && options_.drop <= 0) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const Event event = batch.events[i];
    const bool lags = options_.lag_every > 0 && ++events_ % options_.lag_every == 0;
    // The seed decides about each event, whatever else happens to it.
    const bool goes = drops() && !lags;
    if (lags) ++lagged_;
    if (goes) {
      ++dropped_;
      continue;
    }
    batch.events[kept++] = lags ? lag_notice(event, 1, batch) : event;
  }
  batch.events.resize(kept);
}

bool Faults::drops() {
  if (options_.drop <= 0) return false;
  // The upper 53 bits, between 0 and 1: the same on every machine.
  constexpr double kUnit = 1.0 / (std::uint64_t{1} << 53U);
  return static_cast<double>(random_() >> 11U) * kUnit < options_.drop;
}

}  // namespace smtptape
