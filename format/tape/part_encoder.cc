#include "format/tape/part_encoder.h"

#include <algorithm>

#include "format/limits.h"
#include "format/tape/batch_head.h"

namespace smtptape {

PartEncoder::PartEncoder(const TapeHeader& header, Part part, int level, int window_log)
    : header_(header), part_(part), compressor_(level, window_log) {
}

void PartEncoder::begin_group(std::uint32_t number) {
  group_ = number;
  raw_bytes_ = 0;
  compressed_bytes_ = 0;
  if (part_ == Part::Payload) compressor_.look_far(far_.wanted());
}

void PartEncoder::add(BatchBuilder& batch, std::uint32_t number, ByteSink& out) {
  BatchBody body;
  if (part_ != Part::Payload) batch.append_columns(body);
  if (part_ != Part::Columns) {
    // In an interleaved group a batch is too short for an order of its own to pay.
    batch.append_payload(body,
                         part_ == Part::Payload ? PayloadOrder::BySession : PayloadOrder::AsEvents);
  }
  BatchHead head;
  head.tape_id = header_.tape_id;
  head.flags = header_.flags;
  head.body_bytes = body.bytes();
  head.number = number;
  head.group = group_;
  head.events = batch.events();
  head.part = static_cast<std::uint16_t>(part_);
  const std::string start =
      batch_head_message(head, head.events == 0 ? 0 : batch.first_sequence(), body.pieces);
  raw_bytes_ += start.size() + head.body_bytes;
  compress(start, out);
  for (const std::string_view piece : body.pieces)
    compress(piece, out);
  give(out);
}

void PartEncoder::compress(std::string_view bytes, ByteSink& out) {
  constexpr std::size_t kAtOnce = kMiB;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kAtOnce))) {
    compressor_.add(bytes.substr(0, kAtOnce), ready_);
    if (ready_.size() >= kAtOnce) give(out);
  }
}

void PartEncoder::flush(ByteSink& out) {
  compressor_.flush(ready_);
  give(out);
}

void PartEncoder::end(ByteSink& out) {
  compressor_.end(ready_);
  give(out);
  far_.note(raw_bytes_, compressed_bytes_);
}

void PartEncoder::give(ByteSink& out) {
  if (ready_.empty()) return;
  out.write(ready_);
  compressed_bytes_ += ready_.size();
  ready_.clear();
}

}  // namespace smtptape
