// Whatever a file holds: it is read to its end or refused with an Error, and one without damage
// gives the same events however the bytes come in.
#include "format/tape/tape_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/io.h"
#include "tests/fuzz/fuzz_events.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using namespace smtptape;

class PieceSource : public ByteSource {
 public:
  PieceSource(std::string_view bytes, std::size_t piece) : whole_(bytes), piece_(piece) {}
  [[nodiscard]] std::size_t read(char* to, std::size_t size) override {
    return whole_.read(to, std::min(size, piece_));
  }

 private:
  StringSource whole_;
  std::size_t piece_;
};

struct Seen {
  std::vector<std::string> frames;
  bool damaged = false;  // how much is saved then depends on how far decompression was ahead
  std::string error;
  TapeEnd end = TapeEnd::Unclosed;
  bool operator==(const Seen&) const = default;
};

void check_places(const TapeReader& reader, std::size_t size) {
  SMTPTAPE_CHECK(reader.good_until() <= size);
  for (const Damage& damage : reader.damage()) {
    SMTPTAPE_CHECK(damage.bytes <= size);
  }
}

Seen read_all(std::string_view tape, std::size_t piece) {
  PieceSource source(tape, piece);
  TapeReader reader(source, "tape");
  Seen seen;
  try {
    EventBatch batch;
    while (reader.next(batch))
      append_frames(batch, seen.frames);
    SMTPTAPE_CHECK(!reader.next(batch));
    seen.end = reader.end();
    check_places(reader, tape.size());
  } catch (const Error& error) {
    seen.error = error.what();
  }
  seen.damaged = !reader.damage().empty();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view tape(reinterpret_cast<const char*>(data), size);
  const Seen at_once = read_all(tape, size + 1);
  const Seen in_pieces = read_all(tape, 61);
  SMTPTAPE_CHECK(at_once.damaged || in_pieces == at_once);
  return 0;
}
