// WebSocket frames (RFC 6455), read and written without a socket: bytes in, messages out.
//
// A recorder must outlive what other readers end at: invalid UTF-8 is none of our business here,
// and a message over the limit is told and skipped as its bytes come.  So memory follows what
// really arrived, never what a header announces, and is bounded by the limit.  But nobody waits
// for the end of what is announced as endless: beyond a second limit it is an error of the peer's.
//
// A whole unfragmented message inside the bytes that were fed costs no copy.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/opcode.h"

namespace smtptape {

struct WsMessage {
  // Where the payload lies, that is how long it may be looked at.
  enum class Held : std::uint8_t {
    InInput,   // as long as the bytes given to feed()
    InReader,  // until the next call of next()
  };
  Opcode opcode = Opcode::Text;  // never Continuation
  Held held = Held::InInput;
  bool oversize = false;     // over the limit, or refused: no payload, its bytes are skipped
  std::string_view payload;  // unmasked
  std::uint64_t size = 0;    // of the payload; oversize: as far as announced when it was noticed
};

// Which end of the connection reads: a client gets plain frames, a server masked ones.
enum class WsRole : std::uint8_t { Client, Server };

// Of the payload of a text or binary message, below 2^63.
struct WsLimits {
  std::uint64_t max_message = 0;                                // a larger one is skipped
  std::uint64_t most_announced = (std::uint64_t{1} << 63) - 1;  // a larger one ends the stream
};

// feed() some bytes, call next() until it returns nothing, and so on.  Control messages are
// returned as they come, also from between the fragments of another message.
class WsFrameReader {
 public:
  // May a message that is being put together take so many bytes more?  When not, it is skipped like
  // one over the limit.
  using MayTake = std::function<bool(std::uint64_t more)>;
  // A message of this size is put together without asking.
  static constexpr std::size_t kTakenUnasked = 1 << 20;

  WsFrameReader(WsRole role, WsLimits limits);
  WsFrameReader(WsRole role, std::uint64_t max_message)
      : WsFrameReader(role, WsLimits{max_message}) {}

  // Asked before the room grows; called from next().
  void ask_before_growing(MayTake may_take) { may_take_ = std::move(may_take); }

  // The bytes must stay until next() has returned nothing.
  void feed(std::string_view bytes);
  [[nodiscard]] std::optional<WsMessage> next();

  // What the peer did against the protocol; from then on next() returns nothing.  Else empty.
  [[nodiscard]] std::string_view protocol_error() const { return error_; }
  // A message has begun and not ended: a connection that ends here has lost it.
  [[nodiscard]] bool mid_message() const;
  // Room taken for messages that are put together.  What a message took beyond kTakenUnasked is
  // given back by the call of next() that follows it.
  [[nodiscard]] std::size_t bytes_held() const { return joined_.capacity(); }

 private:
  static constexpr std::size_t kMaxHeader = 14;
  static constexpr std::size_t kMaxControlPayload = 125;

  enum class Stage : std::uint8_t { Header, Payload, Failed };
  struct Frame {
    Opcode opcode = Opcode::Text;
    bool last = true;
    std::uint64_t size = 0;
    std::uint64_t arrived = 0;
    std::array<char, 4> mask{};
  };

  // True when a header was read, into frame_.
  bool read_header();
  [[nodiscard]] std::size_t header_size(const char* first_two) const;
  void parse_header(const char* header);
  void check_sequence();
  void fail(std::string_view why);

  // An announcement over the limit, told once a message.
  std::optional<WsMessage> begin_data_frame();
  WsMessage skip_message();
  // Nothing: more bytes are needed, or the frame was not the last of its message.
  std::optional<WsMessage> read_payload();
  std::optional<WsMessage> whole_in_input();
  std::optional<WsMessage> finish_frame();
  // False: it may not be taken.
  [[nodiscard]] bool make_room(std::size_t more);
  void keep(std::string_view bytes);
  void forget_delivered();

  [[nodiscard]] bool is_control() const { return frame_.opcode >= Opcode::Close; }

  WsRole role_;
  WsLimits limits_;
  MayTake may_take_;
  std::string_view input_;
  std::string_view error_;

  Stage stage_ = Stage::Header;
  Frame frame_;
  std::array<char, kMaxHeader> header_{};  // a header that came in pieces
  std::size_t header_arrived_ = 0;

  bool in_message_ = false;  // a fragment was read, the last one not yet
  bool skipping_ = false;    // the message of the current data frame is over the limit
  bool delivered_ = false;   // joined_ was handed out
  Opcode message_opcode_ = Opcode::Text;
  std::uint64_t announced_ = 0;  // of the current message, with all of the current frame
  std::string joined_;           // the data message that is being put together
  std::string control_;          // a control message that came in pieces, or masked
};

using WsMask = std::array<char, 4>;

// `offset`: how many bytes of the payload came before `bytes`.
void apply_mask(char* bytes, std::size_t size, const WsMask& mask, std::uint64_t offset = 0);

// Unfragmented, as a server sends it, or masked as a client must.
void append_frame_header(std::string& out, Opcode opcode, std::uint64_t payload_size);
void append_frame_header(std::string& out,
                         Opcode opcode,
                         std::uint64_t payload_size,
                         const WsMask& mask);
void append_masked_frame(std::string& out,
                         Opcode opcode,
                         std::string_view payload,
                         const WsMask& mask);

}  // namespace smtptape
