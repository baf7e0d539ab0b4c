#include "store/merge/capture_rows.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <tuple>

namespace smtptape {

namespace {

// What is known of a capture, or of the captures of a row.
struct Known {
  Id128 capture{};  // the first
  std::string source;
  std::uint64_t first = std::numeric_limits<std::uint64_t>::max();  // numbers of tapes
  std::uint64_t last = 0;
  bool imported = false;
  std::set<Id128> tapes;
  std::set<Id128> before;  // tapes that these name as the ones before them
  std::set<std::string> directories;

  // Something of it lies here as it was recorded.
  [[nodiscard]] bool is_placed() const { return !directories.empty(); }
  void join(const Known& next) {
    last = std::max(last, next.last);
    tapes.insert(next.tapes.begin(), next.tapes.end());
    directories.insert(next.directories.begin(), next.directories.end());
  }
};

template <class T>
bool meet(const std::set<T>& a, const std::set<T>& b) {
  return std::any_of(a.begin(), a.end(), [&b](const T& one) { return b.contains(one); });
}

// Each directory is asked for once.
class Directories {
 public:
  const std::string& of(const std::filesystem::path& file) {
    const std::string parent = file.parent_path().string();
    const auto [found, is_new] = known_.try_emplace(parent);
    if (is_new) {
      std::error_code ignored;  // then its name has to do
      found->second = std::filesystem::weakly_canonical(parent.empty() ? "." : parent, ignored);
    }
    return found->second;
  }

 private:
  std::map<std::string, std::string> known_;
};

std::vector<Known> captures_of(const std::vector<TapeFile>& files) {
  std::map<Id128, Known> captures;
  Directories directories;
  for (const TapeFile& file : files) {
    for (const Origin& origin : file.origins) {
      Known& known = captures[origin.capture];
      known.capture = origin.capture;
      known.source = origin.source;
      known.first = std::min(known.first, origin.tape_number);
      known.last = std::max(known.last, origin.tape_number);
      known.imported = known.imported || origin.imported || origin.tape_number == 0;
    }
    if (!file.header || !belongs_to_row(*file.header)) continue;
    const auto found = captures.find(file.header->origin.capture);
    if (found == captures.end()) continue;
    found->second.tapes.insert(file.header->tape_id);
    if (file.header->copy_of) found->second.tapes.insert(*file.header->copy_of);
    if (file.header->predecessor) found->second.before.insert(file.header->predecessor->tape_id);
    found->second.directories.insert(directories.of(file.path));
  }
  std::vector<Known> all;
  for (auto& [id, known] : captures)
    all.push_back(std::move(known));
  std::sort(all.begin(), all.end(), [](const Known& a, const Known& b) {
    return std::tie(a.source, a.first, a.last, a.capture) <
           std::tie(b.source, b.first, b.last, b.capture);
  });
  return all;
}

// The row that `next` continues; null: none.
Known* row_before(std::vector<Known>& rows, const Known& next) {
  if (next.imported) return nullptr;
  Known* beside = nullptr;  // in a directory with it
  Known* alone = nullptr;   // by numbers only
  std::size_t possible = 0;
  for (auto row = rows.rbegin(); row != rows.rend() && row->source == next.source; ++row) {
    if (row->imported || row->last >= next.first) continue;
    if (meet(next.before, row->tapes)) return &*row;
    if (meet(next.directories, row->directories)) {
      if (beside == nullptr || row->last > beside->last) beside = &*row;
    } else if (!next.is_placed() || !row->is_placed()) {
      alone = &*row;
      ++possible;
    }
  }
  if (beside != nullptr) return beside;
  return possible == 1 ? alone : nullptr;
}

}  // namespace

CaptureRows::CaptureRows(const std::vector<TapeFile>& tapes) {
  std::vector<Known> rows;
  for (const Known& capture : captures_of(tapes)) {
    Known* row = row_before(rows, capture);
    if (row == nullptr) {
      row = &rows.emplace_back(capture);
      sources_.push_back(capture.source);
    } else {
      row->join(capture);
    }
    row_of_[capture.capture] = static_cast<std::size_t>(row - rows.data());
  }
}

std::optional<std::size_t> CaptureRows::row_of(const Id128& capture) const {
  const auto found = row_of_.find(capture);
  if (found == row_of_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::size_t> CaptureRows::rows_of(const TapeFile& tape) const {
  std::vector<std::size_t> rows;
  for (const Origin& origin : tape.origins) {
    if (const auto row = row_of(origin.capture)) rows.push_back(*row);
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

void CaptureRows::tell(DoubleFilter& filter, const std::vector<TapeFile>& tapes) const {
  for (const TapeFile& tape : tapes) {
    if (!tape.header) continue;
    const Id128& capture = tape.header->origin.capture;
    if (const auto row = row_of(capture)) filter.add(capture, *row, tape.header->url);
  }
}

CaptureRows rows_of_merge(std::vector<TapeFile>& tapes, Merge& merge) {
  for (TapeFile& tape : tapes)
    find_origins(tape);
  CaptureRows rows(tapes);
  for (const std::string& source : rows.sources())
    merge.add_row(source);
  return rows;
}

}  // namespace smtptape
