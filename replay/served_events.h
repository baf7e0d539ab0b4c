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
#include "store/merge/merge.h"
#include "store/plan/selection.h"
#include "store/read/batch_pool.h"
#include "store/read/inputs.h"

namespace smtptape {

// Several sources as one, by receive time; equal ones in the order of `sources`.  Within a source
// nothing changes places, also where its times go back.
class MergedSource : public EventSource {
 public:
  explicit MergedSource(std::vector<std::unique_ptr<EventSource>> sources);
  [[nodiscard]] bool next(EventBatch& batch) override;

 private:
  std::vector<std::unique_ptr<EventSource>> sources_;  // by the merge's lanes
  Merge merge_;
  BatchPool batches_;
};

class ServedEvents {
 public:
  // Gets one line for each thing that is missing from what is played, once however many clients
  // are played to, and no more than a screenful.  Called from any thread, one at a time.
  using Report = std::function<void(std::string_view line)>;

  // `arguments` name tapes, directories of tapes, files of frames (*.jsonl), or standard input.
  // Throws Error for what is not there, or nothing of these; UsageError for a selection that has to
  // look twice at files of frames.  What it has to look at twice it has looked at when this
  // returns.
  ServedEvents(const std::vector<std::string>& arguments,
               Report report,
               Doubles doubles = Doubles::LeaveOut,
               const Selection& selection = {});

  // From any thread; what it returns must not outlive this.
  [[nodiscard]] std::unique_ptr<EventSource> open();
  // Something was missing.
  [[nodiscard]] bool trouble() const;
  // Called by what open() returned.
  void tell(const std::string& trouble);
  void tell_doubles(std::uint64_t left_out);
  // Of a tape source at its end: when it chose nothing of what there is.
  void tell_choice(const Tally& tally, std::uint64_t chosen);

 private:
  void find_what_is_named(const std::vector<std::string>& arguments);
  std::vector<TapeFile> tapes_;
  std::vector<std::string> feeds_;
  Doubles doubles_;
  Selection selection_;
  std::shared_ptr<FirstPass> first_pass_;  // where sessions are chosen
  Report report_;
  mutable std::mutex mutex_;  // of what follows, and of calling report_
  std::set<std::string> told_;
  bool told_doubles_ = false;
  bool told_choice_ = false;
};

}  // namespace smtptape
