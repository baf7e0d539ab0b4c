#include "capture/capture.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "base/time_spec.h"
#include "capture/daemon.h"

namespace smtptape {

namespace {

const Loss& loss_of(const std::array<Loss, kGapCauses>& losses, GapCause cause) {
  return losses[static_cast<std::size_t>(cause) - 1];
}

// " (queue full 3, oversize 1)", or nothing.
std::string lost_by_cause(const Ledger& ledger) {
  std::string out;
  for (const GapCause cause : {GapCause::QueueFull, GapCause::Disk, GapCause::Oversize}) {
    const Loss& loss = loss_of(ledger.lost, cause);
    if (loss.count == 0) continue;
    out +=
        (out.empty() ? " (" : ", ") + std::string(gap_cause_name(cause)) + " " + loss.count_text();
  }
  return out.empty() ? out : out + ")";
}

void choose_names(CaptureOptions& options) {
  for (SourceOptions& source : options.sources) {
    if (source.name.empty()) source.name = default_source_name(source.endpoint);
  }
  for (std::size_t i = 0; i < options.sources.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (options.sources[i].name != options.sources[j].name) continue;
      throw UsageError(
          "two sources are called " + options.sources[i].name +
          ": give each a name of its own (--name, or the key name of the configuration)");
    }
  }
}

}  // namespace

std::string default_source_name(const Endpoint& endpoint) {
  const std::string& host = endpoint.host;
  if (!endpoint.is_loopback()) return host;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return host;
  return name.data();
}

// Less could not be kept: a tape ends with a batch, and has a head and an end.
RetentionLimits with_headroom(const StoreLimits& limits, std::uint64_t sources) {
  RetentionLimits retention = limits.retention;
  if (!retention.max_bytes) return retention;
  const std::uint64_t last_batch_and_end = limits.rotate_size / 8 + kMiB / 4;
  const std::uint64_t headroom = sources * (limits.rotate_size + last_batch_and_end);
  retention.max_bytes = std::max(*retention.max_bytes - std::min(*retention.max_bytes, headroom),
                                 *retention.max_bytes / 4);
  return retention;
}

std::string trouble_with_max_bytes(std::uint64_t max_bytes, std::uint64_t sources) {
  const std::uint64_t least = sources * kMiB;
  if (max_bytes >= least) return {};
  return show_size(max_bytes) + " is too little to record into; give " + show_size(least) +
         " at least, or a number with its unit, such as 20G";
}

std::string trouble_with_queue(std::uint64_t queue_bytes, std::uint64_t max_frame) {
  if (queue_bytes >= 2 * max_frame) return {};
  return show_size(queue_bytes) + " is less than twice the largest frame, " + show_size(max_frame);
}

CaptureTotals run_capture(CaptureOptions options, const StopSignal& stop, const SayLine& say) {
  choose_names(options);
  return Daemon(std::move(options), stop, say).run();
}

std::string ledger_line(const CaptureTotals& totals, const std::filesystem::path& store) {
  const Ledger& ledger = totals.ledger;
  std::string out = std::to_string(ledger.received) +
                    " received = " + std::to_string(ledger.stored) + " stored + " +
                    std::to_string(ledger.not_selected) + " not selected + " +
                    ledger.total_lost().count_text() + " lost" + lost_by_cause(ledger) + "; ";
  const Loss& lag = loss_of(ledger.upstream, GapCause::Lag);
  if (lag.gaps > 0) out += "lag: " + lag.count_text() + " missed upstream; ";
  const Loss& off = loss_of(ledger.upstream, GapCause::Disconnected);
  if (off.gaps > 0) out += "disconnected " + counted(off.gaps, "time") + "; ";
  return out + counted(totals.tapes, "tape") + ", " + show_size(totals.bytes) + " in " +
         store.string();
}

}  // namespace smtptape
