#include "base/net/ws_frames.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace smtptape {

namespace {

constexpr std::uint8_t kLastBit = 0x80;
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kOpcodeBits = 0x0f;
constexpr std::uint8_t kMaskBit = 0x80;
constexpr std::uint8_t kSizeBits = 0x7f;
constexpr std::uint8_t kSize16 = 126;  // the size follows in two bytes
constexpr std::uint8_t kSize64 = 127;  // in eight

constexpr std::uint8_t byte_at(const char* bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}

std::uint64_t load_big_endian(const char* bytes, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value = value << 8 | byte_at(bytes, i);
  return value;
}

void append_big_endian(std::string& out, std::uint64_t value, int size) {
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

// An empty string that is assigned would leave the room.
void give_back(std::string& room) {
  std::string().swap(room);
}

bool is_known(Opcode opcode) {
  switch (opcode) {
    case Opcode::Continuation:
    case Opcode::Text:
    case Opcode::Binary:
    case Opcode::Close:
    case Opcode::Ping:
    case Opcode::Pong: return true;
  }
  return false;
}

void append_header(std::string& out, Opcode opcode, std::uint64_t size, std::uint8_t mask_bit) {
  out.push_back(static_cast<char>(kLastBit | static_cast<std::uint8_t>(opcode)));
  if (size < kSize16) {
    out.push_back(static_cast<char>(mask_bit | static_cast<std::uint8_t>(size)));
  } else if (size <= 0xffff) {
    out.push_back(static_cast<char>(mask_bit | kSize16));
    append_big_endian(out, size, 2);
  } else {
    out.push_back(static_cast<char>(mask_bit | kSize64));
    append_big_endian(out, size, 8);
  }
}

}  // namespace

WsFrameReader::WsFrameReader(WsRole role, WsLimits limits) : role_(role), limits_(limits) {
  SMTPTAPE_CHECK(limits_.max_message <= limits_.most_announced &&
                 limits_.most_announced >> 63 == 0);
}

void WsFrameReader::feed(std::string_view bytes) {
  SMTPTAPE_CHECK(input_.empty() || stage_ == Stage::Failed);
  input_ = bytes;
}

std::optional<WsMessage> WsFrameReader::next() {
  forget_delivered();
  while (stage_ != Stage::Failed) {
    if (stage_ == Stage::Header) {
      if (!read_header()) return std::nullopt;
      if (!is_control()) {
        if (const std::optional<WsMessage> oversize = begin_data_frame()) return oversize;
      }
    }
    if (const std::optional<WsMessage> message = read_payload()) return message;
    if (stage_ == Stage::Payload) return std::nullopt;
  }
  return std::nullopt;
}

bool WsFrameReader::mid_message() const {
  return in_message_ || header_arrived_ > 0 || stage_ == Stage::Payload;
}

// ---- header ----

bool WsFrameReader::read_header() {
  if (header_arrived_ == 0 && input_.size() >= kMaxHeader) {
    const char* const header = input_.data();
    input_.remove_prefix(header_size(header));
    parse_header(header);
  } else {
    std::size_t wanted = header_arrived_ < 2 ? 2 : header_size(header_.data());
    while (header_arrived_ < wanted) {
      if (input_.empty()) return false;
      header_[header_arrived_++] = input_.front();
      input_.remove_prefix(1);
      if (header_arrived_ == 2) wanted = header_size(header_.data());
    }
    header_arrived_ = 0;
    parse_header(header_.data());
  }
  if (stage_ != Stage::Failed) stage_ = Stage::Payload;
  return stage_ != Stage::Failed;
}

std::size_t WsFrameReader::header_size(const char* first_two) const {
  const std::uint8_t size = byte_at(first_two, 1) & kSizeBits;
  const std::size_t extra = size == kSize64 ? 8 : size == kSize16 ? 2 : 0;
  const std::size_t mask = (byte_at(first_two, 1) & kMaskBit) != 0 ? 4 : 0;
  return 2 + extra + mask;
}

void WsFrameReader::parse_header(const char* header) {
  const std::uint8_t first = byte_at(header, 0);
  const bool masked = (byte_at(header, 1) & kMaskBit) != 0;
  const std::uint8_t short_size = byte_at(header, 1) & kSizeBits;
  frame_.last = (first & kLastBit) != 0;
  frame_.opcode = static_cast<Opcode>(first & kOpcodeBits);
  frame_.arrived = 0;
  frame_.size = short_size;
  if (short_size == kSize16) frame_.size = load_big_endian(header + 2, 2);
  if (short_size == kSize64) frame_.size = load_big_endian(header + 2, 8);
  if (masked) std::memcpy(frame_.mask.data(), header + header_size(header) - 4, 4);

  if ((first & kReservedBits) != 0) return fail("reserved bits are set");
  if (!is_known(frame_.opcode)) return fail("unknown opcode");
  if (masked && role_ == WsRole::Client) return fail("a masked frame from a server");
  if (!masked && role_ == WsRole::Server) return fail("an unmasked frame from a client");
  if (frame_.size >> 63 != 0) return fail("a length of 2^63 or more");
  check_sequence();
}

void WsFrameReader::check_sequence() {
  if (is_control()) {
    if (!frame_.last) return fail("a fragmented control frame");
    if (frame_.size > kMaxControlPayload) return fail("a control frame over 125 bytes");
    return;
  }
  const bool continues = frame_.opcode == Opcode::Continuation;
  if (continues && !in_message_) return fail("a continuation of nothing");
  if (!continues && in_message_) return fail("a new message within a fragmented one");
}

void WsFrameReader::fail(std::string_view why) {
  error_ = why;
  stage_ = Stage::Failed;
  input_ = {};
  give_back(joined_);
}

// ---- payload ----

std::optional<WsMessage> WsFrameReader::begin_data_frame() {
  if (frame_.opcode != Opcode::Continuation) {
    message_opcode_ = frame_.opcode;
    skipping_ = false;
    announced_ = 0;
  }
  in_message_ = true;
  if (frame_.size > limits_.most_announced - announced_) {
    fail("a message of impossible size is announced");
    return std::nullopt;
  }
  announced_ += frame_.size;
  if (skipping_ || announced_ <= limits_.max_message) return std::nullopt;
  return skip_message();
}

WsMessage WsFrameReader::skip_message() {
  WsMessage oversize;
  oversize.opcode = message_opcode_;
  oversize.oversize = true;
  oversize.size = announced_;
  skipping_ = true;
  give_back(joined_);
  return oversize;
}

std::optional<WsMessage> WsFrameReader::read_payload() {
  if (stage_ == Stage::Failed) return std::nullopt;
  const std::uint64_t left = frame_.size - frame_.arrived;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, input_.size()));
  const bool whole = frame_.arrived == 0 && size == frame_.size && frame_.last;
  if (whole && role_ == WsRole::Client) {
    if (std::optional<WsMessage> message = whole_in_input()) return message;
  }
  const bool joining = !is_control() && !skipping_;
  if (joining && !make_room(size)) return skip_message();
  const std::string_view bytes = input_.substr(0, size);
  input_.remove_prefix(size);
  if (is_control() || joining) keep(bytes);
  frame_.arrived += size;
  if (frame_.arrived < frame_.size) return std::nullopt;
  return finish_frame();
}

// The way nearly every frame of a feed takes: a view, no copy.
std::optional<WsMessage> WsFrameReader::whole_in_input() {
  if (!is_control()) {
    if (frame_.opcode == Opcode::Continuation || skipping_) return std::nullopt;
    in_message_ = false;
  }
  WsMessage message;
  message.opcode = frame_.opcode;
  message.payload = input_.substr(0, static_cast<std::size_t>(frame_.size));
  message.size = frame_.size;
  input_.remove_prefix(message.payload.size());
  stage_ = Stage::Header;
  return message;
}

std::optional<WsMessage> WsFrameReader::finish_frame() {
  stage_ = Stage::Header;
  WsMessage message;
  message.held = WsMessage::Held::InReader;
  if (is_control()) {
    message.opcode = frame_.opcode;
    message.payload = control_;
  } else {
    if (!frame_.last) return std::nullopt;
    in_message_ = false;
    if (skipping_) return std::nullopt;
    message.opcode = message_opcode_;
    message.payload = joined_;
  }
  delivered_ = true;
  message.size = message.payload.size();
  return message;
}

// Doubles, but takes no more than what is announced will need.
bool WsFrameReader::make_room(std::size_t more) {
  const std::size_t wanted = joined_.size() + more;
  const std::size_t has = joined_.capacity();
  if (wanted <= has) return true;
  const std::uint64_t room =
      std::max<std::uint64_t>(wanted, std::min<std::uint64_t>(std::uint64_t{2} * has, announced_));
  if (room > kTakenUnasked && may_take_ && !may_take_(room - has)) return false;
  std::string larger;  // reserve() would give what has room already twice that
  larger.reserve(static_cast<std::size_t>(room));
  larger += joined_;
  joined_ = std::move(larger);
  return true;
}

void WsFrameReader::keep(std::string_view bytes) {
  std::string& kept = is_control() ? control_ : joined_;
  kept.append(bytes);
  if (role_ == WsRole::Server) {
    apply_mask(
        kept.data() + (kept.size() - bytes.size()), bytes.size(), frame_.mask, frame_.arrived);
  }
}

void WsFrameReader::forget_delivered() {
  if (!delivered_) return;
  delivered_ = false;
  control_.clear();
  if (in_message_) return;  // it was a control message; the other one is still being joined
  joined_.clear();
  if (joined_.capacity() > kTakenUnasked) give_back(joined_);
}

// ---- writing ----

void apply_mask(char* bytes, std::size_t size, const WsMask& mask, std::uint64_t offset) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ mask[(offset + i) % mask.size()]);
  }
}

void append_frame_header(std::string& out, Opcode opcode, std::uint64_t payload_size) {
  append_header(out, opcode, payload_size, 0);
}

void append_frame_header(std::string& out,
                         Opcode opcode,
                         std::uint64_t payload_size,
                         const WsMask& mask) {
  append_header(out, opcode, payload_size, kMaskBit);
  out.append(mask.data(), mask.size());
}

void append_masked_frame(std::string& out,
                         Opcode opcode,
                         std::string_view payload,
                         const WsMask& mask) {
  append_frame_header(out, opcode, payload.size(), mask);
  out.append(payload);
  apply_mask(out.data() + (out.size() - payload.size()), payload.size(), mask);
}

}  // namespace smtptape
