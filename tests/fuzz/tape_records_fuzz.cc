// Whatever stands in a batch or in a section whose checksum is good: a hostile tape has good
// checksums too.  It is refused with an Error, or what it gives can be written and read again.
//
// The first byte chooses what the rest is: the records of a batch, or the message of a header, an
// index, a footer or of session rows.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "format/tape/batch_parser.h"
#include "format/tape/compressor.h"
#include "format/tape/session_rows.h"
#include "format/tape/tape_info.h"
#include "tests/fuzz/fuzz_events.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using namespace smtptape;

void read_records(std::string_view records) {
  BatchParser parser;
  EventBatch batch;
  parser.begin_group();
  parser.parse(records, records, batch);
  std::vector<std::string> frames;
  append_frames(batch, frames);
}

// Read, written, and read again: nothing changes any more.
template <class Value>
void check_stable(std::string_view message, Value (*read)(std::string_view)) {
  const std::string written = to_message(read(message));
  SMTPTAPE_CHECK(to_message(read(written)) == written);
}

void check_rows(std::string_view message) {
  const auto read = [](std::string_view rows) {
    GroupIndex index;
    index.rows = compress_whole(rows);
    return read_rows(index);
  };
  const std::string written = to_message(read(message), GroupIndex{});
  SMTPTAPE_CHECK(to_message(read(written), GroupIndex{}) == written);
}

void check(std::uint8_t choice, std::string_view bytes) {
  switch (choice) {
    case 'h': return check_stable(bytes, read_header_message);
    case 'i': return check_stable(bytes, read_index_message);
    case 'f': return check_stable(bytes, read_footer_message);
    case 's': return check_rows(bytes);
    default: return read_records(bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // On a word border, as in the reader, and no byte larger than the words that are there.
  const std::size_t words = (size - 1) / 8;
  std::vector<std::uint64_t> aligned(words);
  if (words > 0) std::memcpy(aligned.data(), data + 1, words * 8);
  try {
    check(data[0], {reinterpret_cast<const char*>(aligned.data()), words * 8});
  } catch (const Error&) {
    // Refused, which is an answer.
  }
  return 0;
}
