#include "store/plan/session_ids.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "filters/named.h"
#include "store/plan/row_tape.h"

namespace smtptape {

namespace {

constexpr std::size_t kMostTold = 5;

// One name, and the ids that begin with it.
class Beginning {
 public:
  explicit Beginning(std::string_view name) : name_(name) {}

  void note(std::string_view id) {
    if (!id.starts_with(name_)) return;
    if (id.size() == name_.size()) is_whole_ = true;
    if (ids_.size() < kMostKept || *ids_.rbegin() > id) ids_.emplace(id);
    if (ids_.size() > kMostKept) ids_.erase(std::prev(ids_.end()));
  }

  // `what`: how the name was given.
  [[nodiscard]] std::string completed(const std::string& what) const {
    if (is_whole_ || ids_.empty()) return name_;
    if (ids_.size() == 1) return *ids_.begin();
    std::string there;
    std::size_t told = 0;
    for (const std::string& id : ids_) {
      if (++told <= kMostTold) there += (told == 1 ? "" : ", ") + id;
    }
    if (ids_.size() > kMostTold) there += ", …";
    const std::string many = ids_.size() < kMostKept ? std::to_string(ids_.size())
                                                     : std::to_string(kMostKept) + " or more";
    throw UsageError(what + ": " + many + " sessions begin so: " + there + "; give more of the id");
  }

 private:
  static constexpr std::size_t kMostKept = 1000;

  std::string name_;
  std::set<std::string, std::less<>> ids_;  // the first ones
  bool is_whole_ = false;
};

class Beginnings {
 public:
  explicit Beginnings(const TimeWindow& window) : window_(window) {}

  void add(std::string_view name) { all_.emplace_back(name); }
  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] const Beginning& operator[](std::size_t place) const { return all_[place]; }

  void read(const std::vector<TapeFile>& tapes) {
    std::vector<TapeFile> others;
    for (const TapeFile& tape : tapes) {
      if (tape.received && !window_.touches(*tape.received)) continue;
      const auto opened = has_rows(tape) ? open_for_rows(tape) : nullptr;
      if (opened == nullptr) {
        others.push_back(tape);
        continue;
      }
      for (std::size_t group = 0; group < opened->sealed->summary.footer.groups.size(); ++group)
        read_group(opened, group);
    }
    if (others.empty()) return;
    Inputs inputs(std::move(others), window_, Recovery::Skip, Doubles::Keep);
    read_events(inputs);
  }

 private:
  void read_group(const std::shared_ptr<const OpenedTape>& tape, std::size_t group) {
    const GroupIndex& index = tape->index(group);
    if (index.events > 0 && !window_.touches(TimeSpan{index.first_received, index.last_received}))
      return;
    const auto rows = rows_of(*tape, group, {});
    const auto is_hashed = [](const SessionRow& row) { return row.id_hashed; };
    if (!rows || std::any_of(rows->rows.begin(), rows->rows.end(), is_hashed)) {
      InputTrouble told_later;  // by who reads the events that are wanted
      GroupStream events(tape, group, told_later);
      return read_events(events);
    }
    for (const SessionRow& row : rows->rows) {
      if (window_.touches(TimeSpan{row.first_received, row.last_received})) note(row.id);
    }
  }

  void read_events(EventSource& source) {
    EventBatch batch;
    MetaMemo<bool> seen;
    while (source.next(batch)) {
      for (const Event& event : batch.events) {
        if (event.meta == nullptr || !window_.holds(event.received)) continue;
        if (seen.find(*event.meta) != nullptr) continue;
        seen.remember(*event.meta, true);
        if (const auto& id = event.meta->session_id()) note(*id);
      }
    }
  }

  void note(std::string_view id) {
    for (Beginning& each : all_)
      each.note(id);
  }

  TimeWindow window_;
  std::vector<Beginning> all_;
};

}  // namespace

bool complete_session_ids(Selection& selection, const std::vector<TapeFile>& tapes) {
  Beginnings beginnings(selection.window);
  std::vector<std::string*> shortened;
  for (std::string& id : selection.sessions) {
    if (!may_be_shortened_id(id)) continue;
    beginnings.add(id);
    shortened.push_back(&id);
  }
  const bool named = selection.named && may_be_shortened_id(selection.named->name());
  if (named) beginnings.add(selection.named->name());
  if (beginnings.empty()) return false;
  beginnings.read(tapes);
  for (std::size_t i = 0; i < shortened.size(); ++i)
    *shortened[i] = beginnings[i].completed("--session " + *shortened[i]);
  if (named) {
    const std::string& name = selection.named->name();
    selection.named->is_session(beginnings[shortened.size()].completed(name));
  }
  return true;
}

}  // namespace smtptape
