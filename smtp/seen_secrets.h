// What a client has sent as arguments of AUTH, so that a server's reply that repeats it is noticed,
// whole, in part, or decoded.  Bounded: what is too much is forgotten, oldest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

struct ByteRange {
  std::size_t from = 0;
  std::size_t to = 0;  // behind the last one
};

class SeenSecrets {
 public:
  // Of all texts together, an argument's decoded form included.
  static constexpr std::size_t kMostBytes = 4096;
  // Shorter ones stand in many a reply by accident.
  static constexpr std::size_t kLeastBytes = 4;
  // So much of an argument as it was sent is enough to know it by.
  static constexpr std::size_t kWindow = 6;

  // A piece of the argument that is being sent.
  void append(std::string_view piece);
  // It is complete.  `is_name`: what it decodes to is no secret.
  void end_argument(bool is_name);

  // Appends where `text` repeats something.
  void find(std::string_view text, std::vector<ByteRange>& found) const;
  // The same in a piece of what the server sends, where a repetition may begin in the piece before.
  void find_in_reply(std::string_view text, std::vector<ByteRange>& found);

 private:
  void remember(std::string_view secret);
  void add_windows(std::string_view secret);
  void find_windows(std::string_view text, std::vector<ByteRange>& found) const;
  // The end of `text` that may be the beginning of a repetition.
  [[nodiscard]] std::size_t open_end(std::string_view text) const;

  std::string argument_;
  std::vector<std::string> texts_;
  std::vector<std::uint64_t> windows_;  // ascending: each kWindow bytes of the arguments
  std::size_t bytes_ = 0;               // of texts_
  std::string open_;                    // where the last reply ended in what may be a repetition
};

// Without the padding, if there is one; empty when it is not base64.
[[nodiscard]] std::string decode_base64(std::string_view text);

}  // namespace smtptape
