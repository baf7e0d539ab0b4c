#include "sessions/stories.h"

#include "base/counted.h"
#include "format/tape/tape_info.h"

namespace smtptape {

std::string words_of(const Gap& gap) {
  std::string text(gap_cause_name(gap.cause));
  if (gap.count) {
    text += ": " + counted(*gap.count, "event") + " missing";
  } else {
    text += ": events missing, nobody knows how many";
  }
  return text;
}

ReplyWatcher& Stories::nobody() {
  class Nobody : public ReplyWatcher {
   public:
    void watch(const SmtpReply& /*reply*/) override {}
  };
  static Nobody nobody;
  return nobody;
}

}  // namespace smtptape
