#include "replay/served_events.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "base/io.h"
#include "base/time_spec.h"
#include "format/wire/feed_file.h"
#include "format/wire/unpacked_source.h"
#include "store/find/input_files.h"
#include "store/plan/plan.h"
#include "store/plan/selection.h"
#include "store/plan/session_ids.h"

namespace smtptape {

// ---- several sources as one ----

MergedSource::MergedSource(std::vector<std::unique_ptr<EventSource>> sources)
    : sources_(std::move(sources)) {
  for (std::size_t i = 0; i < sources_.size(); ++i)
    merge_.add_lane(merge_.add_row({}), {});
}

bool MergedSource::next(EventBatch& batch) {
  batch.clear();
  while (const auto lane = merge_.run(batch)) {
    bool more = true;
    std::shared_ptr<EventBatch> head = batches_.take();
    while (more && head->events.empty())
      more = sources_[*lane]->next(*head);
    if (more) {
      merge_.give(*lane, std::move(head));
    } else {
      merge_.end(*lane);
    }
  }
  return !batch.events.empty();
}

// ---- what is served ----

namespace {

// Tells what the tapes know to be missing of what was chosen.
class TapesToServe : public EventSource {
 public:
  TapesToServe(const std::vector<TapeFile>& tapes,
               Doubles doubles,
               const Selection& selection,
               std::shared_ptr<FirstPass> first_pass,
               ServedEvents& owner)
      : inputs_(tapes,
                selection.whole_sessions ? TimeWindow{} : selection.window,
                Recovery::Skip,
                doubles),
        selected_(inputs_, selection, std::move(first_pass)),
        owner_(owner) {}
  bool next(EventBatch& batch) override {
    if (selected_.next(batch)) {
      for (const Gap& gap : batch.gaps)
        owner_.tell(describe(gap));
      chosen_ += batch.events.size();
      return true;
    }
    for (const std::string& damage : inputs_.trouble().damage)
      owner_.tell(damage);
    if (inputs_.doubles() > 0) owner_.tell_doubles(inputs_.doubles());
    owner_.tell_choice(selected_.tally(), chosen_);
    return false;
  }

 private:
  Inputs inputs_;
  SelectedSource selected_;
  std::uint64_t chosen_ = 0;
  ServedEvents& owner_;
};

// Whether it is a file of frames, by its name or by its first bytes.
bool is_feed(const std::string& path) {
  const std::string_view name = path;
  if (name.ends_with(".tape")) return false;
  for (const std::string_view end : {".jsonl", ".jsonl.gz", ".jsonl.zst"}) {
    if (name.ends_with(end)) return true;
  }
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return false;
  std::array<char, kPackingBytes> first{};
  FdSource source(open_input(path), path);
  const std::string_view bytes(first.data(), source.read(first.data(), first.size()));
  const Packing packing = packing_of(bytes);
  return bytes.starts_with('{') || packing == Packing::Zstd || packing == Packing::Gzip;
}

// Standard input, spooled: each client opens it anew, and so from its beginning.
constexpr std::string_view kSpooled = "/proc/self/fd/0";

// As the one who gave it calls it.
std::string with_its_name(std::string text) {
  const std::size_t at = text.find(kSpooled);
  if (at != std::string::npos) text.replace(at, kSpooled.size(), "standard input");
  return text;
}

FeedFileSource open_feed(const std::string& path) {
  const std::string name = with_its_name(path);
  return {std::make_unique<FdSource>(open_input(path), name), name, FeedFormat::Jsonl};
}

class FeedToServe : public EventSource {
 public:
  FeedToServe(const std::string& path, const Selection& selection, ServedEvents& owner)
      : path_(path), file_(open_feed(path)), selected_(file_, selection, nullptr), owner_(owner) {}
  bool next(EventBatch& batch) override {
    if (!selected_.next(batch)) return false;
    for (const Gap& gap : batch.gaps)
      owner_.tell(path_ + ": " + describe(gap));
    return true;
  }

 private:
  std::string path_;
  FeedFileSource file_;
  SelectedSource selected_;
  ServedEvents& owner_;
};

void check_feed(const std::string& path) {
  FeedFileSource file = open_feed(path);
  EventBatch first;
  static_cast<void>(file.next(first));
}

}  // namespace

ServedEvents::ServedEvents(const std::vector<std::string>& arguments,
                           Report report,
                           Doubles doubles,
                           const Selection& selection)
    : doubles_(doubles), selection_(selection), report_(std::move(report)) {
  find_what_is_named(arguments);
  complete_session_ids(selection_, tapes_);
  selection_.sessions_shortened = !feeds_.empty();
  if (!selection_.needs_two_passes()) return;
  if (!feeds_.empty()) {
    throw UsageError(with_its_name(feeds_.front()) +
                     ": whole sessions are chosen from tapes, and this is a file of frames; "
                     "smtptape import makes a tape of it");
  }
  first_pass_ = collect_sessions(tapes_, selection_, Recovery::Skip, nullptr).sessions;
}

void ServedEvents::find_what_is_named(const std::vector<std::string>& arguments) {
  if (std::count(arguments.begin(), arguments.end(), kStandardInput) > 1) {
    throw UsageError("- : standard input can be read only once");
  }
  prepare_inputs(arguments);
  std::vector<std::string> tapes;
  for (std::string argument : arguments) {
    if (argument == kStandardInput) {
      Inputs::spool_standard_input();
      argument = kSpooled;
    }
    if (is_feed(argument)) {
      check_feed(argument);  // now, not when the first client comes
      feeds_.push_back(argument);
    } else {
      tapes.push_back(argument);
    }
  }
  if (tapes.empty()) return;
  // What is no tape is refused now, not when the first client comes.
  try {
    tapes_ = find_tapes(tapes);
    EventBatch first;
    static_cast<void>(Inputs(tapes_).next(first));
  } catch (const Error& error) {
    throw Error(with_its_name(error.what()), error.exit());
  }
}

std::unique_ptr<EventSource> ServedEvents::open() {
  std::vector<std::unique_ptr<EventSource>> sources;
  if (!tapes_.empty())
    sources.push_back(
        std::make_unique<TapesToServe>(tapes_, doubles_, selection_, first_pass_, *this));
  for (const std::string& feed : feeds_)
    sources.push_back(std::make_unique<FeedToServe>(feed, selection_, *this));
  if (sources.size() == 1) return std::move(sources.front());
  return std::make_unique<MergedSource>(std::move(sources));
}

bool ServedEvents::trouble() const {
  const std::lock_guard lock(mutex_);
  return !told_.empty();
}

void ServedEvents::tell(const std::string& trouble) {
  constexpr std::size_t kMostLines = 20;
  const std::lock_guard lock(mutex_);
  const std::string line = with_its_name(trouble);
  if (told_.size() < kMostLines && told_.insert(line).second) report_(line);
}

// Nothing is missing by it.
void ServedEvents::tell_doubles(std::uint64_t left_out) {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(told_doubles_, true)) report_(text_of_doubles(left_out));
}

// Nothing is missing by it, but it may not be what was meant.
void ServedEvents::tell_choice(const Tally& tally, std::uint64_t chosen) {
  if (chosen > 0 || tally.looked_at == 0) return;
  const std::lock_guard lock(mutex_);
  if (std::exchange(told_choice_, true)) return;
  report_("nothing was chosen of " + counted(tally.looked_at, "event") + ", received " +
          show_time(tally.span->first) + " to " + show_time(tally.span->last));
}

}  // namespace smtptape
