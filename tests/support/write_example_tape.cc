// Writes the example tape for the tests of other tools, or its bytes as docs/format.md shows them:
//
//   write_example_tape interleaved|two-frames FILE
//   write_example_tape --document
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

#include "base/io.h"
#include "format/tape/tape_reader.h"
#include "tests/support/example_tape.h"

namespace {

void print_hex(const std::string& bytes) {
  constexpr std::size_t kPerLine = 16;
  for (std::size_t at = 0; at < bytes.size(); at += kPerLine) {
    std::printf("%04zx ", at);
    for (std::size_t i = at; i < std::min(at + kPerLine, bytes.size()); ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      std::printf("%s%02x", i % 8 == 0 ? "  " : " ", byte);
    }
    std::printf("\n");
  }
}

std::size_t index_offset(const std::string& tape) {
  smtptape::StringSource source(tape);
  smtptape::TapeReader reader(source, "the example");
  for (smtptape::EventBatch batch; reader.next(batch);) {
  }
  const smtptape::GroupIndex& index = reader.indexes().front();
  return index.offset + index.bytes;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace smtptape;
  using namespace smtptape::testing;
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (argc == 2 && what == "--document") {
    const std::string tape = example_tape_without_schema(Layout::Interleaved);
    print_hex(tape);
    std::printf("\n");
    print_hex(records_of(tape));
    std::printf("\n");
    print_hex(message_of_section(tape, index_offset(tape)));
    return 0;
  }
  if (argc != 3 || (what != "interleaved" && what != "two-frames")) {
    std::fprintf(stderr, "usage: write_example_tape interleaved|two-frames FILE | --document\n");
    return 2;
  }
  std::ofstream file(argv[2], std::ios::binary);
  file << example_tape(what == "two-frames" ? Layout::TwoFrames : Layout::Interleaved);
  return file.good() ? 0 : 1;
}
