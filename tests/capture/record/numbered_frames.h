// Frames that can be told apart, in chunks as the network thread makes them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/io.h"
#include "base/wall_time.h"
#include "capture/record/event_queue.h"
#include "capture/record/recorder.h"

namespace smtptape {

inline constexpr std::int64_t kSecond = kNanosPerSecond;
inline constexpr std::int64_t kStart = 1'785'877'200 * kSecond;  // 2026-08-04T21:00:00Z

// A moment of a machine whose clock never stepped.  The steady clock counts from somewhere else.
inline constexpr std::int64_t kSteadyBegins = kStart - 1000 * kSecond;
inline Now at(std::int64_t real) {
  return {real - kSteadyBegins, real};
}
inline Now at_steady(std::int64_t steady) {
  return {steady, steady + kSteadyBegins};
}

// A frame with so many bytes of text that can't be compressed, so that tapes grow.
inline std::string event_of_size(std::size_t size) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string bytes(size / 2, '\0');
  fill_random(bytes.data(), bytes.size());
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kHex[byte >> 4U], kHex[byte & 0xFU]};
  }
  return R"({"conn_meta":{"id":"A"},"payload":{"Read":")" + text +
         R"("},"when":"2026-08-04T13:54:50.123Z"})";
}

inline FrameChunk chunk_of(const std::vector<std::string>& frames, std::int64_t received) {
  FrameChunk chunk;
  chunk.received = arriving(at(received));
  std::size_t size = 0;
  for (const std::string& frame : frames)
    size += frame.size();
  chunk.bytes.reset(new char[size]);
  char* to = chunk.bytes.get();
  for (const std::string& frame : frames) {
    std::memcpy(to, frame.data(), frame.size());
    chunk.frames.push_back({{to, frame.size()}, frame.size(), Opcode::Text, false});
    to += frame.size();
  }
  return chunk;
}

// By a recorder that is never late.
inline void record_on_time(Recorder& recorder, const FrameChunk& chunk) {
  recorder.record(chunk, Now{chunk.received.steady, chunk.received.real});
}

}  // namespace smtptape
