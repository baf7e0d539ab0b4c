// What was printed of many sessions that ran beside each other, session after session.
//
// In memory there are 64 MiB of text, and about 50 bytes for each session; what is more goes to a
// nameless file, in which the pieces of a session are chained.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/hash.h"
#include "base/io.h"

namespace smtptape {

struct PrintedEvent {
  std::int64_t received = 0;
  std::string_view text;
};

class GroupedText {
 public:
  struct Bounds {
    std::size_t sessions = 2'000'000;
    std::size_t bytes_in_memory = 64 << 20;
  };
  GroupedText() = default;
  explicit GroupedText(const Bounds& bounds) : bounds_(bounds) {}

  // `session` empty: by itself.  Throws Error when there are too many sessions.
  void add(std::string_view session, const PrintedEvent& event);

  enum class Order : std::uint8_t { OldestFirst, NewestFirst };  // by their first events
  // Of each session, its events as they were added; `begins`: the first.  Until `show` is false.
  using Show = std::function<bool(const PrintedEvent& event, bool begins)>;
  void for_each(Order order, const Show& show) const;

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  // The beginning of each piece in the file, and of each event in a piece.
  struct PieceHead {
    std::uint64_t before;  // where the session's piece before this one is; kNone
    std::uint64_t bytes;
  };
  struct EventHead {
    std::int64_t received;
    std::uint64_t bytes;
  };
  using Number = std::uint32_t;  // of a session, by their first events

  Number number_of(std::string_view session);
  Number new_session();
  void move_to_file();
  struct Piece {
    std::uint64_t at;
    std::uint64_t bytes;
  };
  [[nodiscard]] std::vector<Piece> pieces_of(Number session) const;
  [[nodiscard]] bool show_session(Number session, const Show& show) const;

  Bounds bounds_;
  boost::unordered_flat_map<Hash128, Number, SpreadHash128> numbers_;
  std::vector<std::uint64_t> last_pieces_;  // of each session, in the file
  boost::unordered_flat_map<Number, std::string> in_memory_;
  std::size_t bytes_in_memory_ = 0;
  UniqueFd file_;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace smtptape
