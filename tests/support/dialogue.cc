// The words that a test writes a FakeKumod's script with.
#include <utility>

#include "base/net/ws_frames.h"
#include "tests/support/fake_kumod.h"

namespace smtptape {

namespace {

std::string frame_bytes(Opcode opcode, std::string_view payload) {
  std::string bytes;
  append_frame_header(bytes, opcode, payload.size());
  return bytes.append(payload);
}

}  // namespace

Step send_bytes(std::string_view bytes) {
  return {Step::Kind::Send, std::string(bytes)};
}

Step send_text(std::string_view payload) {
  return send_frame(Opcode::Text, payload);
}

Step send_frame(Opcode opcode, std::string_view payload) {
  return send_bytes(frame_bytes(opcode, payload));
}

Step send_fragments(const std::vector<std::string>& parts) {
  std::string bytes;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string frame = frame_bytes(i == 0 ? Opcode::Text : Opcode::Continuation, parts[i]);
    if (i + 1 < parts.size()) frame[0] = static_cast<char>(frame[0] & 0x7f);
    bytes += frame;
  }
  return send_bytes(bytes);
}

Step announce_text(std::uint64_t size) {
  std::string bytes;
  append_frame_header(bytes, Opcode::Text, size);
  return send_bytes(bytes);
}

Step one_byte_at_a_time(const Step& step) {
  return {Step::Kind::Trickle, step.bytes};
}
Step await_that(std::function<void()> wait) {
  Step step;
  step.kind = Step::Kind::Await;
  step.wait = std::move(wait);
  return step;
}

Step await_frame() {
  return {Step::Kind::AwaitFrame, ""};
}
Step reset_connection() {
  return {Step::Kind::Reset, ""};
}
Step stay_silent(std::chrono::seconds at_most) {
  return {Step::Kind::StaySilent, "", at_most};
}
Step say_goodbye() {
  return {Step::Kind::SayGoodbye, ""};
}

Dialogue upgrade_then(std::vector<Step> steps) {
  return {Dialogue::Answer::Upgrade, "", std::move(steps), "", ""};
}

Dialogue answer_with(std::string answer, std::vector<Step> steps) {
  return {Dialogue::Answer::Given, std::move(answer), std::move(steps), "", ""};
}

}  // namespace smtptape
