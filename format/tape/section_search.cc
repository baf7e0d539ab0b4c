#include "format/tape/section_search.h"

#include <algorithm>

#include "format/tape/aligned_bytes.h"
#include "format/tape/batch_head.h"
#include "format/tape/compressor.h"
#include "format/tape/section.h"

namespace smtptape {

namespace {

// The zstd frame that begins here decompresses to a batch header.
bool begins_batch(std::string_view bytes) {
  Decompressor trial;
  AlignedBytes start;
  start.resize(256);
  std::size_t have = 0;
  while (have < start.view().size() && bytes.size() >= trial.wanted()) {
    const auto step = trial.step(bytes, start.data() + have, start.view().size() - have);
    if (step.error != nullptr) return false;
    if (step.frame_ended) break;
    bytes.remove_prefix(step.consumed);
    have += step.produced;
  }
  return parse_batch_head(start.view().substr(0, have / 8 * 8)).has_value();
}

}  // namespace

std::optional<std::size_t> SectionSearch::find(std::size_t from) {
  const std::string_view view = tape_.input.view();
  for (std::size_t at = from + kFrameHeaderBytes;; ++at) {
    at = view.find(kSectionMagic, at);
    if (at == std::string_view::npos) return {};
    if (is_section(view.substr(at - kFrameHeaderBytes))) return at - kFrameHeaderBytes;
  }
}

bool SectionSearch::is_section(std::string_view bytes) {
  if (bytes.size() < kSectionStart || load_u32(bytes.data()) != kSkippableMagic) return false;
  const std::uint64_t size_untrusted =
      load_u32(bytes.data() + 4) + std::uint64_t{kFrameHeaderBytes};
  if (size_untrusted > std::min<std::uint64_t>(bytes.size(), tries_left_)) return false;
  tries_left_ -= size_untrusted;
  const AlignedBytes frame(bytes.substr(0, size_untrusted));
  const auto section = parse_section(frame.view());
  return section && !tape_.is_foreign(section->tape_id);
}

void SectionSearch::go_back() {
  const std::uint64_t bytes = tape_.input.held_bytes();
  if (bytes <= back_left_ && tape_.input.go_back()) back_left_ -= bytes;
}

bool SectionSearch::go_to_next() {
  std::optional<std::size_t> next;
  do
    next = find(1);  // not the frame that was just refused
  while (!next && read_on());
  tape_.input.consume(next.value_or(tape_.input.view().size()));
  return next.has_value();
}

// What was seen is searched again together with what comes, so that has to be as much: else a
// source that gives little at a time makes the search quadratic.
bool SectionSearch::read_on() {
  InputBuffer& input = tape_.input;
  // A section that is not whole yet may begin in what was seen, but not before this.
  const std::size_t seen = input.view().size();
  const std::size_t kept = std::min<std::uint64_t>(seen, kMostSectionBytes);
  input.consume(seen - kept);
  input.fill(2 * kept + 1);
  return input.view().size() > kept;
}

std::optional<std::size_t> SectionSearch::find_first_group() {
  tape_.input.fill(kMiB);
  const std::string_view view = tape_.input.view();
  for (std::size_t at = 1; (at = view.find(kZstdMagicBytes, at)) != std::string_view::npos; ++at) {
    if (begins_batch(view.substr(at))) return at;
  }
  return {};
}

}  // namespace smtptape
