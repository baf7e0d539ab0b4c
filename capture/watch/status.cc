#include "capture/watch/status.h"

namespace smtptape {

std::string_view name_of(SealReason reason) {
  switch (reason) {
    case SealReason::Size: return "size";
    case SealReason::Interval: return "interval";
    case SealReason::Asked: return "asked";
    case SealReason::Stop: return "stop";
  }
  return "";
}

std::string why_not_ready(const SourceStatus& source) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  std::string why;
  const auto add = [&why](const std::string& what, const std::string& detail) {
    why += (why.empty() ? "" : "; ") + what + (detail.empty() ? "" : " (" + detail + ")");
  };
  if (!source.connected) add("not connected", source.last_error);
  if (!source.writing) add("not writing", source.disk_trouble);
  if (source.dropping) add("the queue is full, events are being dropped", "");
  if (source.is_stalled()) {
    add("nothing was written for " + std::to_string(*source.stalled_for / kSecond) +
            " s although something waits",
        "");
  }
  return why;
}

}  // namespace smtptape
