// What is printed of events of which something was left out when they were recorded.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "format/event.h"
#include "format/wire/wire.h"
#include "replay/renderer.h"

namespace smtptape {
namespace {

class AlteredText : public testing::Test {
 protected:
  Event& write(std::string_view text) {
    Event& event = decoder_.decode(
        R"({"conn_meta":{"id":"A"},"payload":"Closed","when":"2026-08-04T13:54:50Z"})",
        Opcode::Text,
        batch_);
    event.kind = EventKind::Write;
    event.text = text;
    return event;
  }
  Event& trimmed(std::string_view text, std::uint64_t length) {
    Event& event = write(text);
    event.trimmed = true;
    event.length = length;
    return event;
  }

  std::string render(RenderOptions options = {}) {
    Renderer renderer(options);
    std::string text;
    EXPECT_FALSE(renderer.render(batch_.events, text).has_value());
    altered_ = renderer.altered();
    return text;
  }

  static constexpr std::string_view kMeta = "[A]       === conn_meta id=\"A\"\n";
  WireDecoder decoder_;
  EventBatch batch_;
  std::uint64_t altered_ = 0;
};

TEST_F(AlteredText, TellsWhatIsNotThereAfterTheLinesThatAre) {
  trimmed("Subject: a\r\n\r\n", 5000);
  EXPECT_EQ(
      render(),
      "[A]       ->  Subject: a\n[A]       === 4986 bytes not recorded\n" + std::string(kMeta));
  EXPECT_EQ(altered_, 1U);
}

TEST_F(AlteredText, TellsItOfAMessageOfWhichNothingIsThere) {
  trimmed("", 5000);
  EXPECT_EQ(render(), "[A]       === 5000 bytes not recorded\n" + std::string(kMeta));
}

TEST_F(AlteredText, CountsTheWholeMessageWhenTerse) {
  abbreviate(trimmed("Subject: a\r\nTo: b\r\n", 5000), batch_.arena);
  EXPECT_EQ(render(),
            "[A]       ->  Subject: a\n[A]       === bytes written=5000\n" + std::string(kMeta));
  batch_.clear();
  trimmed("Subject: a\r\n", 5000);
  RenderOptions terse;
  terse.terse = true;
  EXPECT_EQ(render(terse),
            "[A]       ->  Subject: a\n[A]       === bytes written=5000\n"
            "[A]       === 4988 bytes not recorded\n" +
                std::string(kMeta));
}

TEST_F(AlteredText, AsLivePrintsOnlyWhatKcliWould) {
  trimmed("Subject: a\r\n\r\n", 5000);
  write("AUTH PLAIN ****\r\n").masked = true;
  RenderOptions options;
  options.behaviour = Behaviour::AsLive;
  EXPECT_EQ(render(options),
            "[A]       ->  Subject: a\n" + std::string(kMeta) + "[A]   0ns ->  AUTH PLAIN ****\n");
  EXPECT_EQ(altered_, 2U);
}

TEST_F(AlteredText, SaysWhyAFrameThatWasMaskedCantBeRead) {
  decoder_.decode("*****", Opcode::Text, batch_).masked = true;
  EXPECT_EQ(render(),
            "[]      === unreadable frame, 5 bytes: its content was masked when it was recorded\n");
}

}  // namespace
}  // namespace smtptape
