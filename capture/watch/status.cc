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

}  // namespace smtptape
