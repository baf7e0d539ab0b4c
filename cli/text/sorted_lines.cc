#include "cli/text/sorted_lines.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace smtptape {

namespace {

constexpr const char* kName = "a temporary file (in TMPDIR, or /tmp)";
constexpr std::size_t kOverhead = 96;     // of a line in memory, about
constexpr std::size_t kPiece = 64 << 10;  // that is written or read at once

}  // namespace

// Lines in a file, in their order; the next one in memory.
class SortedLines::Run {
 public:
  explicit Run(const std::multiset<Line>& lines) : file_(unlinked_file()) {
    std::string bytes;
    for (const Line& line : lines) {
      const std::array<std::int64_t, 3> head{
          line.key, line.second, static_cast<std::int64_t>(line.text.size())};
      bytes.append(reinterpret_cast<const char*>(head.data()), sizeof(head));
      bytes.append(line.text);
      if (bytes.size() < kPiece) continue;
      write_all(file_.get(), bytes, kName);
      bytes.clear();
    }
    write_all(file_.get(), bytes, kName);
    advance();
  }

  [[nodiscard]] const std::optional<Line>& next() const { return next_; }

  void advance() {
    std::array<std::int64_t, 3> head{};
    if (!take(reinterpret_cast<char*>(head.data()), sizeof(head))) {
      next_.reset();
      return;
    }
    Line line{head[0], head[1], std::string(static_cast<std::size_t>(head[2]), '\0')};
    if (!take(line.text.data(), line.text.size()))
      throw Error("reading " + std::string(kName) + ": it ends too soon");
    next_ = std::move(line);
  }

 private:
  // False: the file ends.
  bool take(char* to, std::size_t size) {
    while (size > 0) {
      if (used_ == buffer_.size() && !refill()) return false;
      const std::size_t part = std::min(size, buffer_.size() - used_);
      std::memcpy(to, buffer_.data() + used_, part);
      used_ += part;
      to += part;
      size -= part;
    }
    return true;
  }

  bool refill() {
    buffer_.resize(kPiece);
    buffer_.resize(read_at(file_.get(), buffer_.data(), buffer_.size(), at_, kName));
    at_ += buffer_.size();
    used_ = 0;
    return !buffer_.empty();
  }

  UniqueFd file_;
  std::string buffer_;
  std::size_t used_ = 0;
  std::uint64_t at_ = 0;
  std::optional<Line> next_;
};

SortedLines::SortedLines(std::optional<std::size_t> count, Keep keep) : count_(count), keep_(keep) {
}
SortedLines::~SortedLines() = default;

void SortedLines::add(Line line) {
  bytes_ += line.text.size() + kOverhead;
  lines_.insert(std::move(line));
  ++there_;
  if (count_ && runs_.empty() && there_ + (keep_ == Keep::First ? written_ : 0) > *count_)
    drop_one();
  if (bytes_ > kMostInMemory) spill();
}

void SortedLines::drop_one() {
  const auto unwanted = keep_ == Keep::First ? std::prev(lines_.end()) : lines_.begin();
  bytes_ -= unwanted->text.size() + kOverhead;
  lines_.erase(unwanted);
  --there_;
}

void SortedLines::spill() {
  runs_.push_back(std::make_unique<Run>(lines_));
  lines_.clear();
  bytes_ = 0;
}

const SortedLines::Line* SortedLines::first() const {
  const Line* first = lines_.empty() ? nullptr : &*lines_.begin();
  for (const auto& run : runs_)
    if (run->next() && (first == nullptr || *run->next() < *first)) first = &*run->next();
  return first;
}

void SortedLines::pop_first(std::string& to) {
  --there_;
  const Line* const line = first();
  to = line->text;
  if (!lines_.empty() && line == &*lines_.begin()) {
    bytes_ -= line->text.size() + kOverhead;
    lines_.erase(lines_.begin());
    return;
  }
  const auto run = std::find_if(runs_.begin(), runs_.end(), [line](const auto& each) {
    return each->next() && &*each->next() == line;
  });
  (*run)->advance();
}

void SortedLines::write_while(std::optional<std::int64_t> below, ByteSink& to) {
  std::string text;
  std::string one;
  while (const Line* const line = first()) {
    if (below && line->key >= *below) break;
    if (count_ && keep_ == Keep::First && written_ >= *count_) break;
    pop_first(one);
    ++written_;
    text += one;
    if (text.size() < kPiece) continue;
    to.write(text);
    text.clear();
  }
  if (!text.empty()) to.write(text);
}

void SortedLines::write_until(std::int64_t key, ByteSink& to) {
  if (count_ && keep_ == Keep::Last) return;
  write_while(key, to);
}

void SortedLines::write_all_to(ByteSink& to) {
  std::string unwanted;
  while (count_ && keep_ == Keep::Last && there_ > *count_)
    pop_first(unwanted);
  write_while(std::nullopt, to);
}

}  // namespace smtptape
