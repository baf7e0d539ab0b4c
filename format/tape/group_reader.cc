#include "format/tape/group_reader.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/section.h"

namespace smtptape {

void GroupReader::begin_frame() {
  frame_offset_ = tape_.input.offset();
  batches_in_frame_ = 0;
  frame_.begin();
  if (waits_for_payload()) return;  // the second frame of a group
  offset_ = frame_offset_;
  group_begun_ = false;
  parser_.begin_group();
  frame_.reset_hash();
}

void GroupReader::forget_columns() {
  columns_.clear();
  column_bytes_ = 0;
}

void GroupReader::forget() {
  forget_columns();
  frame_.forget();
}

GroupReader::Outcome GroupReader::read_batch(EventBatch& batch) {
  const std::uint64_t here = tape_.input.offset();
  std::uint64_t start = frame_.block_start();
  tape_.input.hold(here - start);
  AlignedBytes head;
  head.resize(8);
  Got got = frame_.read(head.data(), 8);
  if (frame_.rested_at() && batches_in_frame_ > 0) {  // nothing was waiting
    start = here;
    if (!waits_for_payload()) tape_.good_until = *frame_.rested_at();
  }
  const bool none = got == Got::FrameEnd || (got == Got::Border && batches_in_frame_ > 0);
  if (none) return between_batches(got, here);
  if (got == Got::All) {
    const std::uint64_t words = load_u32(head.data() + 4);
    if (load_u32(head.data()) != 0 || words > kMostHeadWords) {
      return refused("a batch has no header", start);
    }
    head.resize(8 + words * 8);
    got = frame_.read(head.data() + 8, words * 8);
  }
  return got == Got::All ? read_body(head, start, batch) : cut_or_bad(got, start);
}

GroupReader::Outcome GroupReader::between_batches(Got got, std::uint64_t start) {
  const std::uint64_t here = tape_.input.offset();
  if (got == Got::FrameEnd) {
    tape_.good_until = here;
    return {Step::FrameEnd};
  }
  // Zeros, to zstd, are blocks without content; no writer of ours makes any.
  if (here > start) return {Step::Torn, "no batch follows"};
  if (waits_for_payload()) return {Step::Torn, "cut inside a group"};
  tape_.good_until = here;
  return {Step::TapeEnd};
}

GroupReader::Outcome GroupReader::read_body(const AlignedBytes& head_bytes,
                                            std::uint64_t start,
                                            EventBatch& batch) {
  const auto head = parse_batch_head(head_bytes.view());
  if (!head) return refused("a batch has no header", start);
  if (head->body_bytes > kMostBatchBytes || head->body_bytes % 8 != 0) {
    return refused("a batch of " + std::to_string(head->body_bytes) + " bytes is over the limit",
                   start);
  }
  AlignedBytes body;
  const Got got = frame_.read(head->body_bytes, body);
  if (got != Got::All) return cut_or_bad(got, start);
  if (tape_.compares && !is_checksum_good(head_bytes.view(), head->checksum, body.view())) {
    return refused("a batch's checksum is wrong", start);
  }
  if (tape_.is_foreign(head->tape_id)) return refused("bytes of another tape", start);
  refuse_newer(head->flags, kFormatVersion, tape_.name);
  tape_.tape_id = head->tape_id;
  if (std::string why = out_of_order(*head); !why.empty()) return refused(std::move(why), start);
  const std::uint32_t missing = enter_group(*head);
  ++batches_in_frame_;
  Outcome outcome = accept(*head, std::move(body), start, batch);
  outcome.missing = missing;
  return outcome;
}

// Groups count up in a tape, and batches in each of a group's frames.
std::string GroupReader::out_of_order(const BatchHead& head) const {
  if (head.group >= kMostGroups) {
    return "a group of number " + std::to_string(head.group) + " is over the limit";
  }
  const bool payload_alone = !group_begun_ && head.part == 2;
  if (payload_alone) return {};  // which its parser refuses
  if (!group_begun_ && head.group < tape_.next_group) {
    return "group " + std::to_string(head.group) + " comes again";
  }
  if (group_begun_ && head.group != group_) {
    return "a batch of group " + std::to_string(head.group) + " stands in group " +
           std::to_string(group_);
  }
  if (head.number == batches_in_frame_) return {};
  return head.number < batches_in_frame_ ? "a batch comes again" : "a batch is missing";
}

// How many groups are missing before it.
std::uint32_t GroupReader::enter_group(const BatchHead& head) {
  if (group_begun_ || head.part == 2) return 0;
  group_begun_ = true;
  group_ = head.group;
  const std::uint32_t missing = head.group - tape_.next_group;
  tape_.next_group = head.group + 1;
  return missing;
}

GroupReader::Outcome GroupReader::accept(const BatchHead& head,
                                         AlignedBytes body,
                                         std::uint64_t start,
                                         EventBatch& batch) {
  try {
    if (head.part == 1) {
      keep_columns(head, std::move(body));
      return {Step::Columns};
    }
    parse(head, std::move(body), batch);
  } catch (const Error& error) {
    batch.clear();
    return refused(error.what(), start);
  }
  if (frame_.is_at_border()) tape_.good_until = tape_.input.offset();
  return {Step::Batch};
}

void GroupReader::keep_columns(const BatchHead& head, AlignedBytes body) {
  column_bytes_ += body.view().size();
  if (column_bytes_ > kMostGroupColumnBytes) throw Error("the columns are over the limit");
  columns_.push_back({head, std::move(body)});
}

void GroupReader::parse(const BatchHead& head, AlignedBytes body, EventBatch& batch) {
  const auto kept = std::make_shared<const AlignedBytes>(std::move(body));
  if (head.part == 0) {
    parser_.parse(kept->view(), kept->view(), batch);
  } else {
    if (columns_.empty() || columns_.front().head.number != head.number) {
      throw Error("payload without its columns");
    }
    const std::string_view columns = columns_.front().body.view();
    parser_.parse(columns, kept->view(), batch);
    column_bytes_ -= columns.size();
    columns_.pop_front();
  }
  batch.pins.push_back(kept);
}

GroupReader::Outcome GroupReader::refused(std::string why, std::uint64_t start) const {
  return {Step::Refused, std::move(why), std::max(start, frame_offset_)};
}

GroupReader::Outcome GroupReader::cut_or_bad(Got got, std::uint64_t start) const {
  if (got == Got::Bad || got == Got::FrameEnd) return refused(frame_.why(), start);
  return {Step::Cut, "cut inside a batch", std::max(start, frame_offset_)};
}

}  // namespace smtptape
