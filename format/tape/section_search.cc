#include "format/tape/section_search.h"

#include <algorithm>

#include "format/tape/aligned_bytes.h"
#include "format/tape/batch_head.h"
#include "format/tape/compressor.h"
#include "format/tape/section.h"

namespace smtptape {

namespace {

// Bytes of a trial that a group's beginning costs: a block of zstd.
constexpr std::uint64_t kGroupTrial = 128 * kKiB;
// What has to be at hand to tell that a section, or a group, may begin: more than the first block
// of a group.
constexpr std::size_t kMostStart = 256 * kKiB;
constexpr std::size_t kSearchStep = 4 * kMiB;

// The batch header that the zstd frame decompresses to which begins here.
std::optional<BatchHead> head_of_group(std::string_view bytes) {
  Decompressor trial;
  AlignedBytes start;
  start.resize(256);
  std::size_t have = 0;
  while (have < start.view().size() && bytes.size() >= trial.wanted()) {
    const auto step = trial.step(bytes, start.data() + have, start.view().size() - have);
    if (step.error != nullptr) return {};
    if (step.frame_ended) break;
    bytes.remove_prefix(step.consumed);
    have += step.produced;
  }
  return parse_batch_head(start.view().substr(0, have / 8 * 8));
}

}  // namespace

std::optional<std::size_t> SectionSearch::find(std::size_t from) {
  const std::string_view view = tape_.input.view();
  for (std::size_t at = from + kFrameHeaderBytes;; ++at) {
    at = view.find(kSectionMagic, at);
    if (at == std::string_view::npos) return {};
    if (section_at(at - kFrameHeaderBytes) == Is::Whole) return at - kFrameHeaderBytes;
  }
}

SectionSearch::Is SectionSearch::section_at(std::size_t place) {
  const std::string_view bytes = tape_.input.view().substr(place);
  if (load_u32(bytes.data()) != kSkippableMagic) return Is::Nothing;
  const std::uint64_t size_untrusted =
      load_u32(bytes.data() + 4) + std::uint64_t{kFrameHeaderBytes};
  if (size_untrusted < kSectionStart || size_untrusted > kMostSearchedSection) return Is::Nothing;
  if (size_untrusted > tries_left_) return Is::Nothing;
  if (size_untrusted > bytes.size()) return Is::Cut;
  tries_left_ -= size_untrusted;
  const auto section = parse_section(bytes.substr(0, size_untrusted));
  return section && !tape_.is_foreign(section->tape_id) ? Is::Whole : Is::Nothing;
}

bool SectionSearch::is_next_group(std::string_view bytes) {
  if (tries_left_ < kGroupTrial) return false;
  tries_left_ -= kGroupTrial;
  const auto head = head_of_group(bytes);
  return head && tape_.tape_id == head->tape_id && head->number == 0 && head->part != 2 &&
         head->group >= tape_.next_group && head->group < kMostGroups;
}

std::optional<std::size_t> SectionSearch::find_group(std::size_t from, std::size_t before) {
  const std::string_view view = tape_.input.view().substr(0, before);
  for (std::size_t at = from; (at = view.find(kZstdMagicBytes, at)) != std::string_view::npos;
       ++at) {
    if (is_next_group(tape_.input.view().substr(at))) return at;
  }
  return {};
}

std::optional<std::size_t> SectionSearch::find_next(std::size_t from,
                                                    std::optional<std::size_t>& cut) {
  const std::string_view view = tape_.input.view();
  std::size_t section = view.size();
  for (std::size_t at = from + kFrameHeaderBytes;; ++at) {
    at = view.find(kSectionMagic, at);
    if (at == std::string_view::npos) break;
    const Is is = section_at(at - kFrameHeaderBytes);
    if (is == Is::Nothing) continue;
    section = at - kFrameHeaderBytes;
    if (is == Is::Cut) cut = section;
    break;
  }
  const auto group = find_group(from, section);
  if (group) return group;
  if (cut || section == view.size()) return {};
  return section;
}

// What begins before the end goes on behind it, where the input may not have been read yet; no more
// of it is read than a place that looks like one takes.
bool SectionSearch::begins_within(std::size_t end) {
  InputBuffer& input = tape_.input;
  input.fill(end + kFrameHeaderBytes + kSectionMagic.size());
  for (std::size_t at = 1 + kFrameHeaderBytes;; ++at) {
    at = input.view().find(kSectionMagic, at);
    if (at == std::string_view::npos || at >= end + kFrameHeaderBytes) break;
    const std::size_t place = at - kFrameHeaderBytes;
    Is is = section_at(place);
    if (is == Is::Cut) {
      input.fill(place + kFrameHeaderBytes + load_u32(input.view().data() + place + 4));
      is = section_at(place);
    }
    if (is == Is::Whole) return true;
  }
  for (std::size_t at = 1;; ++at) {
    at = input.view().find(kZstdMagicBytes, at);
    if (at == std::string_view::npos || at >= end) return false;
    input.fill(at + kMostStart);
    if (is_next_group(input.view().substr(at))) return true;
  }
}

void SectionSearch::go_back() {
  const std::uint64_t bytes = tape_.input.held_bytes();
  if (bytes <= back_left_ && tape_.input.go_back()) back_left_ -= bytes;
}

bool SectionSearch::go_to_next() {
  InputBuffer& input = tape_.input;
  std::size_t from = 1;  // not the frame that was just refused
  for (;;) {
    std::optional<std::size_t> cut;
    if (const auto next = find_next(from, cut)) {
      input.consume(*next);
      return true;
    }
    const std::size_t seen = input.view().size();
    if (cut) {
      // Its bytes are needed before it can be told; what stands before it holds nothing.
      input.consume(*cut);
      const std::size_t size = load_u32(input.view().data() + 4) + kFrameHeaderBytes;
      from = input.fill(size) ? 0 : 1;  // else it runs over the end
      if (from == 0) continue;
      if (input.view().size() < kSectionStart) break;
      continue;
    }
    // The first bytes of a section, or of a group, may stand at the end.
    const std::size_t kept = std::min(seen, kMostStart);
    input.consume(seen - kept);
    if (!input.fill(kept + 1)) break;
    input.fill(kept + kSearchStep);
    if (kept < seen) from = 0;
  }
  input.consume(input.view().size());
  return false;
}

std::optional<std::size_t> SectionSearch::find_first_group() {
  tape_.input.fill(kMiB);
  const std::string_view view = tape_.input.view();
  for (std::size_t at = 1; (at = view.find(kZstdMagicBytes, at)) != std::string_view::npos; ++at) {
    if (head_of_group(view.substr(at))) return at;
  }
  return {};
}

}  // namespace smtptape
