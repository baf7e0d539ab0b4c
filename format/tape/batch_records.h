// The records of one batch, by kind, before anybody makes events of them.  Private to format/tape.
//
// Everything points into the body, which may be hostile: what does not fit throws Error.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "format/tape/messages.h"
#include "format/tape/payload_order.h"

namespace smtptape {

// The messages of a body, one after another.
class BatchMessages {
 public:
  explicit BatchMessages(std::string_view body) : left_(as_words(body)) {}

  struct Message {
    capnp::FlatArrayMessageReader* reader;  // stays where it is; null: the end
    std::string_view bytes;
  };
  [[nodiscard]] Message next();

 private:
  kj::ArrayPtr<const capnp::word> left_;
  std::deque<capnp::FlatArrayMessageReader> readers_;
};

struct BatchRecords {
  std::optional<tape::Events::Reader> events;
  std::vector<tape::Metas::Reader> metas;
  std::vector<tape::Origin::Reader> origins;
  std::vector<tape::Gap::Reader> gaps;
  std::vector<tape::Note::Reader> notes;
  std::vector<tape::Clock::Reader> clocks;
  std::string_view text;
  PayloadOrder order = PayloadOrder::AsEvents;
  capnp::List<tape::Frame>::Reader frames;
  std::vector<std::string_view> foreign;  // whole records of kinds that we don't know

  std::uint64_t bytes = 0;  // of the messages
  std::uint64_t records = 0;

  // All that are left of them.
  void add(BatchMessages& messages);
  // What a copy of this batch would not hold.
  [[nodiscard]] bool has_newer_fields() const;

 private:
  void add(tape::Record::Reader record, std::string_view whole);
};

}  // namespace smtptape
