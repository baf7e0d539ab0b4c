// What a server plays: tapes, stores and files of frames, as one stream in the order of reception,
// opened anew for each client.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "store/inputs.h"

namespace smtptape {

// Several sources as one, by receive time; equal ones in the order of `sources`.  Within a source
// nothing changes places, also where its times go back.
class MergedSource : public EventSource {
 public:
  explicit MergedSource(std::vector<std::unique_ptr<EventSource>> sources);
  ~MergedSource() override;
  [[nodiscard]] bool next(EventBatch& batch) override;

 private:
  struct Lane;
  // The lane whose head comes first; null at the end.
  [[nodiscard]] Lane* first();

  std::vector<Lane> lanes_;
};

class ServedEvents {
 public:
  // Gets one line for each thing that is missing from what is played, once however many clients
  // are played to, and no more than a screenful.  Called from any thread, one at a time.
  using Report = std::function<void(std::string_view line)>;

  // `arguments` name tapes, directories of tapes, files of frames (*.jsonl), or standard input.
  // Throws Error for what is not there, or nothing of these.
  ServedEvents(const std::vector<std::string>& arguments, Report report);

  // From any thread; what it returns must not outlive this.
  [[nodiscard]] std::unique_ptr<EventSource> open();
  // Something was missing.
  [[nodiscard]] bool trouble() const;
  // Called by what open() returned.
  void tell(const std::string& trouble);

 private:
  std::vector<TapeFile> tapes_;
  std::vector<std::string> feeds_;
  Report report_;
  mutable std::mutex mutex_;  // of what follows, and of calling report_
  std::set<std::string> told_;
};

}  // namespace smtptape
