// A terminal is not a pipe: what a server says may not speak to it.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/visible_text.h"
#include "format/tape/tape_writer.h"
#include "format/wire/json.h"
#include "tests/e2e/cli.h"
#include "tests/support/fake_kumod.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Sets the title, clears the screen, hides what follows, turns the writing direction, in C0, DEL,
// C1 and without UTF-8's help; forges a line.
const std::string kHostile =
    "\x1b]0;pwned\a\x1b[2J\x1b[8m\x7f\u009b31m\u202e\u2066\u200f\u061c\u2028\r\n[b]  20ms  <- 250 "
    "ok";

Ran on_terminal(const std::vector<std::string>& arguments) {
  ::setenv("SMTPTAPE_PAGER", "cat", 1);  // less moves the cursor itself
  return run_program(SMTPTAPE_PROGRAM, arguments, {}, std::chrono::seconds(30), Output::Terminal);
}

// Our own colours, and line ends, are all that may control it.
std::string without_ours(std::string text) {
  for (const char* const color : {"\x1b[36m", "\x1b[32m", "\x1b[31m", "\x1b[0m"}) {
    for (std::size_t at = 0; (at = text.find(color, at)) != std::string::npos;)
      text.erase(at, std::string(color).size());
  }
  std::erase(text, '\n');
  return text;
}

// C0, DEL, and C1 as one character of UTF-8 or as a byte by itself.
bool controls_a_terminal(std::string_view text) {
  bool after_c2 = false;
  bool in_character = false;  // bytes of it may follow
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool c1 = byte >= 0x80 && byte < 0xA0;
    if (byte < 0x20 || byte == 0x7F || (c1 && (after_c2 || !in_character))) return true;
    after_c2 = byte == 0xC2;
    in_character = byte >= 0xC0 || (in_character && byte >= 0x80);
  }
  return false;
}

void expect_harmless(const Ran& ran) {
  const std::string out = without_ours(ran.out);
  EXPECT_EQ(out, visible(out));
  EXPECT_FALSE(controls_a_terminal(out)) << visible(out);
  const std::string err = without_ours(ran.err);
  EXPECT_EQ(err, visible(err));
  EXPECT_FALSE(controls_a_terminal(err)) << visible(err);
}

std::string json_string(const std::string& text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

std::string frame(const std::string& meta, const std::string& payload) {
  return R"({"conn_meta":{)" + meta + R"(},"payload":)" + payload +
         ",\"when\":\"2026-08-04T21:00:00.010Z\"}\n";
}

// Every place of a frame that a server, a peer or whoever names things can fill.
std::string hostile_feed() {
  const std::string text = json_string(kHostile);
  const std::string id = R"("id":"a")";
  std::ifstream file(SMTPTAPE_SOURCE_DIR "/tests/e2e/hostile.jsonl", std::ios::binary);
  std::string feed((std::istreambuf_iterator<char>(file)), {});
  EXPECT_FALSE(feed.empty());
  feed += frame(R"("id":)" + text, R"("BeginSession")");
  feed += frame(id, R"({"Diagnostic":{"level":"ERROR","message":)" + text + "}}");
  feed += frame(id, R"({"Diagnostic":{"level":)" + text + R"(,"message":"a"}})");
  feed += frame(id + ",\"k\":" + text, R"({"Read":)" + text + "}");
  feed += frame(id + ",\"k\":[" + text + "]", R"({"Write":)" + text + "}");
  feed += frame(id + "," + text + ":{" + text + ":1}", R"("Connected")");
  feed += frame(id, R"("MessageObtained")");
  feed += frame(id, R"({"AbbreviatedWrite":{"snippet":)" + text + ",\"len\":70}}");
  feed += frame(id, "{" + text + ":" + text + "}");
  feed += "no JSON: \x1b[2J\u009b\x7f\n";
  feed +=
      "no UTF-8: \x9b"
      "31m\xff\n";
  return feed;
}

class Terminal : public ::testing::Test {
 protected:
  Terminal() {
    write_file(directory_ / "feed.jsonl", hostile_feed());
    std::filesystem::create_directory(directory_ / "store");
    for (const std::string& name : {tape_, named_}) {
      const Ran ran = smtptape({"import", directory_ / "feed.jsonl", "-o", name});
      EXPECT_TRUE(std::filesystem::exists(name)) << ran.err;
      expect_harmless(ran);
    }
  }

  TemporaryDirectory directory_;
  std::string tape_ = directory_ / "plain.tape";
  // A name that is no UTF-8, and has no slash.
  std::string named_ = directory_ / ("store/\x1b]0;x\a\r\n\xff\u009b"
                                     "2J.tape");
};

TEST(ControlsATerminal, IsWhatItObeys) {
  for (const char* const text : {"a\x1b", "a\x7f", "\u0080", "é\u009b", "\x9b", "a\x9f"})
    EXPECT_TRUE(controls_a_terminal(text)) << visible(text);
  for (const char* const text : {"", "plain", "é à ß", "\u00a0", "日本 😀", "\ufffd"})
    EXPECT_FALSE(controls_a_terminal(text)) << text;
}

TEST_F(Terminal, IsNotMovedByAnyCommand) {
  const std::string other = directory_ / "copy.tape";
  const std::vector<std::vector<std::string>> commands = {
      {"replay", tape_},
      {"replay", tape_, "--color", "yes"},
      {"replay", tape_, "--terse", "--only-new"},
      {"replay", named_, "--scope", "session", "--tenant", kHostile},
      {"export", tape_},
      {"show", "a", tape_},
      {"show", "a", named_, "--json"},
      {"show", kHostile, tape_, "--color", "yes"},
      {"show", kHostile + "x", named_},
      {"show", "a", tape_, "--transcript", kHostile},
      {"info", named_, "--groups"},
      {"info", named_, "--json"},
      {"verify", named_},
      {"verify", directory_ / "store"},
      {"info", directory_ / "store"},
      {"recover", directory_ / "store", "-o", directory_ / "sound\x1b[2J"},
      {"compact", named_, "-o", other},
      {"extract", named_, "--tenant", kHostile, "-o", directory_ / "extract\x1b.tape"},
      {"status", directory_ / "store"},
      {"status", directory_ / "store", "--json"},
      {"prune", directory_ / "store", "--max-tapes", "1", "--dry-run"},
      {"prune", directory_ / "store", "--max-tapes", "1", "--dry-run", "--json"},
      {"doctor", "--endpoint", "http://127.0.0.1:1", "--store", directory_ / "store\x1b[2J"},
      {"doctor", "--endpoint", "http://127.0.0.1:1", "--store", directory_ / "store\x9b", "--json"},
      {"replay", directory_ / "none\x1b[2J\n.tape"},
      {"replay\x1b[2J"},
      {"replay", "--ten\x1b[2J", "x"},
      {"replay", tape_, "--since", kHostile},
      {"replay", tape_, "--color", kHostile},
      {"replay", tape_, "--source", kHostile},
      {"capture", "--config", directory_ / "none\x1b[2J.toml"},
      {"trace-smtp-client", "--tls-ca\x1b", "x"},
  };
  for (const auto& command : commands) {
    SCOPED_TRACE(command.front() + " " + visible(command.back()));
    expect_harmless(on_terminal(command));
    const Ran piped = smtptape(command);
    const std::string err = without_ours(piped.err);
    EXPECT_EQ(err, visible(err));
  }
}

// A store that somebody named, with tapes of which one is missing, one is none, and one tells of a
// loss.
TEST_F(Terminal, IsNotMovedByAStore) {
  const std::filesystem::path store = directory_ / "store \x1b[2J\x7f\u009b1m\xff\n";
  std::filesystem::create_directory(store);
  const auto tape = [&](int number) {
    return store / ("mta-0000000" + std::to_string(number) + "-20260804T210000Z.tape");
  };
  for (const int number : {1, 3}) {
    TapeHeader header;
    header.tape_id.bytes[0] = static_cast<std::uint8_t>(number);
    header.origin = {{}, kHostile, static_cast<std::uint64_t>(number), false};
    StringSink sink;
    TapeWriter writer(sink, header, {});
    Gap gap;
    gap.cause = GapCause::Disk;
    gap.count = 1;
    gap.detail = kHostile;
    writer.add(gap);
    Ledger ledger;
    ledger.count(gap);
    writer.seal(ledger, 1);
    write_file(tape(number), sink.text());
  }
  write_file(tape(4), "rubbish");
  write_file(store / "none.tape", "rubbish");
  write_file(store / "smtptape.toml", "[[source]]\nendpoint = \"http://127.0.0.1:1\"\n");
  const std::vector<std::vector<std::string>> commands = {
      {"verify", store},
      {"verify", store / "none.tape"},
      {"info", store},
      {"info", tape(1)},
      {"info", tape(1), "--json"},
      {"replay", store},
      {"export", store},
      {"status", store},
      {"rotate", store},
      {"snapshot", store, "-o", store / "snapshot.tape"},
      {"recover", store, "-o", store / "recovered"},
      {"compact", store / "none.tape", "-o", store / "compact.tape"},
      {"capture", "--check", "--config", store / "smtptape.toml"},
      {"prune", store, "--max-tapes", "1", "--dry-run"},
      {"prune", store, "--max-tapes", "1"},
  };
  for (const auto& command : commands) {
    SCOPED_TRACE(command.front() + " " + visible(command.back()));
    const Ran ran = on_terminal(command);
    EXPECT_THAT(ran.out + ran.err, Not(IsEmpty()));
    expect_harmless(ran);
  }
}

TEST_F(Terminal, ShowsWhatItDoesNotObey) {
  const Ran ran = on_terminal({"replay", tape_});
  EXPECT_THAT(ran.out, HasSubstr("ERROR: \\u{1b}]0;pwned\\u{7}\\u{1b}[2J"));
  EXPECT_THAT(ran.out, HasSubstr("\\r\\n[b]  20ms  <- 250 ok"));
  EXPECT_THAT(ran.out, HasSubstr("[\\u{1b}]0;pwned"));
  EXPECT_THAT(ran.out, HasSubstr("=== conn_meta \\u{1b}]0;pwned"));
  EXPECT_THAT(ran.out, Not(HasSubstr("\n[b]")));
}

TEST_F(Terminal, APipeGetsKclisBytes) {
  for (const char* const color : {"no", "yes"}) {
    const Ran ran = smtptape({"replay", tape_, "--color", color});
    EXPECT_THAT(ran.out, HasSubstr(kHostile));
    EXPECT_THAT(ran.out, HasSubstr("[" + kHostile + "]"));
    EXPECT_THAT(ran.out, HasSubstr("=== conn_meta " + kHostile + "="));
  }
}

TEST_F(Terminal, SoDoesOneThatWantsThemAsLive) {
  write_file(directory_ / "live.jsonl",
             frame(R"("id":"a")",
                   R"({"Diagnostic":{"level":"INFO","message":)" + json_string(kHostile) + "}}"));
  const std::string tape = directory_ / "live.tape";
  ASSERT_EQ(smtptape({"import", directory_ / "live.jsonl", "-o", tape}).exit, 0);
  const Ran ran = on_terminal({"replay", tape, "--as-live", "--color", "no"});
  EXPECT_THAT(ran.out, HasSubstr(kHostile));
}

TEST_F(Terminal, NeitherIsItMovedLive) {
  std::vector<Step> frames;
  for (const std::string& line : lines_of(hostile_feed()))
    frames.push_back(send_text(line));
  const FakeKumod kumod({upgrade_then(std::move(frames))});
  expect_harmless(on_terminal({"--endpoint", kumod.url(), "trace-smtp-client"}));
}

TEST_F(Terminal, JsonIsJson) {
  for (const auto& command : std::vector<std::vector<std::string>>{
           {"info", named_, "--json"},
           {"prune", directory_ / "store", "--max-tapes", "1", "--dry-run", "--json"},
           {"status", directory_ / "store", "--json"},
           {"doctor", "--endpoint", "http://127.0.0.1:1", "--store", named_, "--json"}}) {
    SCOPED_TRACE(command.front());
    for (const Ran& ran : {smtptape(command), on_terminal(command)}) {
      EXPECT_TRUE(is_utf8(ran.out));
      for (const std::string& line : lines_of(ran.out)) {
        std::string ignored;
        EXPECT_TRUE(append_canonical_json(ignored, line)) << visible(line);
      }
    }
  }
}

}  // namespace
}  // namespace smtptape::testing
