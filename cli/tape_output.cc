#include "cli/tape_output.h"

#include <ctime>
#include <fstream>

#include "base/error.h"
#include "base/time_spec.h"
#include "cli/version.h"
#include "filters/property.h"
#include "format/wire/wire.h"

namespace smtptape {

namespace {

std::int64_t clock_nanos(clockid_t clock) {
  std::timespec time{};
  ::clock_gettime(clock, &time);
  return time.tv_sec * std::int64_t{kNanosPerSecond} + time.tv_nsec;
}

}  // namespace

TapeHeader new_tape_header(const Origin& origin) {
  TapeHeader header;
  header.tape_id = random_id();
  header.origin = origin;
  header.layout = Layout::TwoFrames;
  header.writer = std::string("smtptape ") + kVersion;
  header.clock = {
      clock_nanos(CLOCK_REALTIME), clock_nanos(CLOCK_MONOTONIC), clock_nanos(CLOCK_BOOTTIME)};
  std::ifstream boot_id("/proc/sys/kernel/random/boot_id");
  std::getline(boot_id, header.boot_id);
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

void record_batch(const EventBatch& batch, TapeWriter& writer, Ledger& ledger) {
  for (const Event& event : batch.events) {
    writer.add(event);
    const auto missed = lag_count(event);
    if (!missed) continue;
    Gap gap;
    gap.cause = GapCause::Lag;
    gap.count = *missed;
    gap.after_sequence = event.sequence - 1;
    gap.before_sequence = event.sequence + 1;
    gap.from = gap.until = event.received;
    gap.notice_sequence = event.sequence;
    gap.origin = event.origin;
    writer.add(gap);
    ledger.add(gap);
  }
  for (const Gap& gap : batch.gaps) {
    writer.add(gap);
    ledger.add(gap);
  }
  for (const Note& note : batch.notes)
    writer.add(note);
}

}  // namespace smtptape
