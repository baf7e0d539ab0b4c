// Lines in the order of their keys, however many: what doesn't fit into memory waits in nameless
// files, sorted.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/io.h"

namespace smtptape {

class SortedLines {
 public:
  static constexpr std::size_t kMostInMemory = 48 << 20;

  struct Line {
    std::int64_t key = 0;
    std::int64_t second = 0;  // of those with one key
    std::string text;
    auto operator<=>(const Line&) const = default;
  };
  // Of very many only so many are wanted.
  enum class Keep : std::uint8_t { First, Last };
  explicit SortedLines(std::optional<std::size_t> count = std::nullopt, Keep keep = Keep::First);
  ~SortedLines();

  void add(Line line);
  // Writes what has a lower key; nothing that is added later has.  Of those that are kept last,
  // nothing before the end.
  void write_until(std::int64_t key, ByteSink& to);
  // All that is left.
  void write_all_to(ByteSink& to);

  [[nodiscard]] std::uint64_t written() const { return written_; }

 private:
  class Run;

  void spill();
  void drop_one();
  [[nodiscard]] const Line* first() const;
  void pop_first(std::string& to);
  void write_while(std::optional<std::int64_t> below, ByteSink& to);

  std::optional<std::size_t> count_;
  Keep keep_;
  std::multiset<Line> lines_;
  std::size_t bytes_ = 0;  // of lines_, about
  std::vector<std::unique_ptr<Run>> runs_;
  std::uint64_t there_ = 0;  // in lines_ and runs_
  std::uint64_t written_ = 0;
};

}  // namespace smtptape
