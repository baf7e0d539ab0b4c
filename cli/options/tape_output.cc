#include "cli/options/tape_output.h"

#include "base/error.h"
#include "base/time_spec.h"
#include "capture/record/clocks.h"
#include "cli/version.h"
#include "filters/property.h"
#include "format/wire/wire.h"

namespace smtptape {

TapeHeader new_tape_header(const Origin& origin) {
  TapeHeader header;
  header.tape_id = random_id();
  header.origin = origin;
  header.layout = Layout::TwoFrames;
  header.writer = std::string("smtptape ") + kVersion;
  header.clock = read_clocks();
  header.boot_id = read_boot_id();
  return header;
}

std::vector<std::string> indexed_keys() {
  std::vector<std::string> keys;
  for (const Property& property : kProperties)
    keys.emplace_back(property.meta_key);
  return keys;
}

FeedFormat parse_feed_format(const std::string& text) {
  if (text == "jsonl") return FeedFormat::Jsonl;
  if (text == "frames") return FeedFormat::Frames;
  throw UsageError("--format: \"" + text + "\" is neither jsonl nor frames");
}

std::uint64_t parse_max_frame(const std::string& text) {
  const std::uint64_t bytes = parse_size(text, "--max-frame");
  if (bytes == 0 || bytes > kLargestMaxFrame) {
    throw UsageError("--max-frame: " + text + " is not between 1 and " +
                     std::to_string(kLargestMaxFrame / kMiB) + "M, the most that a tape can hold");
  }
  return bytes;
}

}  // namespace smtptape
