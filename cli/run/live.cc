#include "cli/run/live.h"

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/counted.h"
#include "cli/run/frame_buffer.h"
#include "cli/text/output.h"
#include "filters/allow_list.h"
#include "format/event.h"
#include "format/limits.h"
#include "format/wire/wire.h"

namespace smtptape {
namespace {

// Bytes as Rust shows them: b"…".
std::string rust_bytes(std::string_view bytes) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "b\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '\0': out += "\\0"; continue;
      case '\t': out += "\\t"; continue;
      case '\n': out += "\\n"; continue;
      case '\r': out += "\\r"; continue;
      case '"': out += "\\\""; continue;
      case '\\': out += "\\\\"; continue;
      default: break;
    }
    if (byte >= 0x20 && byte < 0x7f) {
      out.push_back(c);
    } else {
      out.append("\\x").append({kHex[byte >> 4U], kHex[byte & 0xFU]});
    }
  }
  return out + "\"";
}

// What kcli calls a frame that is no event.
std::string kcli_name(const WsMessage& frame) {
  switch (frame.opcode) {
    case Opcode::Ping: return "Ping(" + rust_bytes(frame.payload) + ")";
    case Opcode::Pong: return "Pong(" + rust_bytes(frame.payload) + ")";
    case Opcode::Binary: return "Binary(" + rust_bytes(frame.payload) + ")";
    case Opcode::Close: return frame.payload.empty() ? "Close(None)" : "Close(Some(…))";
    case Opcode::Text:
    case Opcode::Continuation: break;
  }
  SMTPTAPE_CHECK(false && "not a frame that kcli refuses");
  return {};
}

// Frames to text.
class LivePrinter {
 public:
  LivePrinter(const LiveOptions& options, ByteSink& out)
      : as_live_(options.honour == Honour::AsLive),
        manual_(options.request, Honour::Documented),
        tell_difference_(options.tell_difference),
        renderer_(options.render),
        out_(out) {}

  // False: there is nothing more to show.
  bool print(std::span<const WsMessage> frames) {
    batch_.clear();
    std::optional<Ending> end_of_kcli;
    for (const WsMessage& frame : frames) {
      end_of_kcli = take(frame);
      if (end_of_kcli) break;
    }
    ending_ = renderer_.render(batch_.events, text_);
    if (renderer_.forgotten() > 0 && !std::exchange(told_forgotten_, true)) {
      say(OpenSessions::kForgetting);
    }
    if (!ending_) ending_ = std::move(end_of_kcli);
    out_.write(text_);
    text_.clear();
    return !ending_;
  }

  [[nodiscard]] const std::optional<Ending>& ending() const { return ending_; }
  [[nodiscard]] const Renderer& renderer() const { return renderer_; }
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

 private:
  // How kcli ends at this frame; nullopt: it goes on.
  std::optional<Ending> take(const WsMessage& frame) {
    if (frame.oversize) {
      ++skipped_;
      return as_live_ ? std::optional(Ending{}) : std::nullopt;
    }
    if (as_live_ && frame.opcode != Opcode::Text) {
      return Ending{Exit::Failed, "Error: Unexpected " + kcli_name(frame) + " response"};
    }
    // Pings are answered already, and a Close frame is told when the feed has ended.
    if (frame.opcode != Opcode::Text && frame.opcode != Opcode::Binary) return std::nullopt;
    const Event& event = decoder_.decode(frame.payload, frame.opcode, batch_);
    // What the server is known to ignore is filtered here.
    if (!manual_.needs_local_help() || manual_.passes(event.meta, Scope::Event))
      return std::nullopt;
    if (tell_difference_) std::exchange(tell_difference_, nullptr)();
    if (!as_live_) batch_.events.pop_back();
    return std::nullopt;
  }

  bool as_live_;
  AllowList manual_;
  std::function<void()> tell_difference_;
  WireDecoder decoder_;
  Renderer renderer_;
  ByteSink& out_;
  EventBatch batch_;
  std::string text_;
  std::optional<Ending> ending_;
  std::uint64_t skipped_ = 0;  // frames over the limit
  bool told_forgotten_ = false;
};

// Reads the feed on a thread of its own, into a buffer.
class FeedReader : public FrameSink {
 public:
  FeedReader(const FeedOptions& feed, std::uint64_t buffer)
      : buffer_(buffer), thread_([this, &feed](std::stop_token stop) {
          try {
            end_ = follow_feed(feed, *this, std::move(stop));
          } catch (...) {
            failure_ = std::current_exception();
          }
          buffer_.close();
        }) {}

  Flow on_frames(std::span<const WsMessage> frames) override {
    if (buffer_.add(frames)) {
      say_without_waiting(
          "nobody reads what is shown, and the buffer is full: events are left out "
          "(--buffer SIZE)");
    }
    return Flow::Continue;
  }

  [[nodiscard]] FrameBuffer& frames() { return buffer_; }
  // How the feed ended, or was ended here.
  [[nodiscard]] FeedEnd end() {
    thread_.request_stop();
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
    return end_;
  }

 private:
  FrameBuffer buffer_;
  FeedEnd end_;
  std::exception_ptr failure_;
  std::jthread thread_;  // the last member: it uses the others
};

// Without --as-live: what kcli keeps to itself.
Exit tell_trouble(const LivePrinter& printer, std::uint64_t limit) {
  const Renderer& renderer = printer.renderer();
  if (renderer.stepped_back() > 0) {
    say("the server's clock stepped back within " + counted(renderer.stepped_back(), "session") +
        ": times before their beginning are negative");
  }
  if (printer.skipped() > 0) {
    say(counted(printer.skipped(), "frame") + " over " + std::to_string(limit) + " bytes " +
        (printer.skipped() == 1 ? "was" : "were") + " left out");
  }
  const bool incomplete = printer.skipped() > 0 || renderer.unreadable() > 0;
  return incomplete ? Exit::Incomplete : Exit::Done;
}

bool tell_left_out(std::uint64_t count) {
  if (count == 0) return false;
  say(std::to_string(count) + " events were left out: nobody read what was shown, and the buffer " +
      "was full (--buffer SIZE)");
  return true;
}

Exit incomplete_if(bool incomplete, Exit exit) {
  return incomplete && exit == Exit::Done ? Exit::Incomplete : exit;
}

}  // namespace

Exit show_live(LiveOptions options, ByteSink& out) {
  const bool as_live = options.honour == Honour::AsLive;
  FeedOptions& feed = options.feed;
  feed.request = to_json(options.request);
  feed.max_frame = as_live ? kKcliMaxFrame : kDefaultMaxFrame;
  LivePrinter printer(options, out);
  FeedReader reader(feed, options.buffer);
  for (std::span<const WsMessage> frames = reader.frames().take();
       !frames.empty() && printer.print(frames);)
    frames = reader.frames().take();
  const FeedEnd end = reader.end();
  const bool left_out = tell_left_out(reader.frames().left_out());

  if (const std::optional<Ending>& ending = printer.ending()) {
    if (!ending->message.empty()) say_raw(visible(ending->message));
    if (as_live || ending->exit != Exit::Done) return ending->exit;
    return incomplete_if(left_out, tell_trouble(printer, feed.max_frame));
  }
  if (!end.opened && as_live) throw AsKcliError(kcli_connect_error(end));
  if (!end.opened) throw Error(describe(end, feed.endpoint));
  if (as_live) return Exit::Done;
  say(describe(end, feed.endpoint));
  const Exit exit = incomplete_if(left_out, tell_trouble(printer, feed.max_frame));
  const bool cut = end.mid_message || end.kind == FeedEnd::Kind::ProtocolError;
  return cut ? Exit::Incomplete : exit;
}

}  // namespace smtptape
