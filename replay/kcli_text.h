// The small pieces of kcli's text: how it writes a delta and how it escapes a line.
//
// Both depend on the Rust toolchain that built kcli, so both take a profile.  The bytes must equal
// kcli's for every input; tests compare them with what real builds printed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/wall_time.h"

namespace smtptape {

// Which Rust built the kcli whose text we reproduce.
enum class KcliProfile : std::uint8_t {
  HalfUp,    // up to 1.93, what KumoMTA ships: ties of a delta round up; Unicode 16
  HalfEven,  // 1.94 and later: ties round to the even number; Unicode 17
};

// The time since a session was first seen: whole ns, µs, ms or s, at least five characters wide.
// kcli never prints a negative one; we put a minus before it.
void append_delta(std::string& out, Elapsed delta, KcliProfile profile);
// The same; returns where it ends, after at most so many bytes.
inline constexpr std::size_t kMostDelta = 32;
char* write_delta(char* to, Elapsed delta, KcliProfile profile);

// One line of a conversation with everything that is not plainly visible written as an escape.
// Bytes that are not UTF-8 (kcli never gets any) come out as U+FFFD, one each.
void append_escaped(std::string& out, std::string_view line, KcliProfile profile);

// What stands before and behind each line.
struct LineFrame {
  std::string_view start;
  std::string_view end;
};
// All lines of `text`, as next_line() finds them, each escaped and within its frame.
void append_lines(std::string& out, std::string_view text, LineFrame frame, KcliProfile profile);

}  // namespace smtptape
