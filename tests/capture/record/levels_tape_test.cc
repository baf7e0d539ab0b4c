// What the levels promise of whole tapes: no secret is in any byte of them, and lengths stay.
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/record/recorder.h"
#include "tests/capture/record/numbered_frames.h"
#include "tests/capture/record/stored.h"
#include "tests/filters/applied_levels.h"
#include "tests/support/example_tape.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string base64_of(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view three = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8U | (i < three.size() ? static_cast<unsigned char>(three[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      out.push_back(i <= three.size() ? kDigits[bits >> (18 - 6 * i) & 63U] : '=');
  }
  return out;
}

// Random dialogues of several sessions, in the order of their events.
class Dialogues {
 public:
  explicit Dialogues(std::uint32_t seed) : random_(seed) {}

  std::vector<std::string> secrets;  // as typed, and as sent

  std::vector<std::string> frames() {
    std::vector<std::vector<std::string>> sessions(4);
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      id_ = "session-" + std::to_string(i);
      out_ = &sessions[i];
      session();
    }
    return mixed(sessions);
  }

 private:
  std::size_t any(std::size_t below) { return random_() % below; }
  bool maybe() { return any(2) == 0; }

  std::string secret() {
    constexpr std::string_view kLetters =
        "abcdefghijkmnpqrstuvwxyzABCDEFGHKLMNPQRSTUVWXYZ23456789-+!";
    std::string text;
    for (std::size_t size = 8 + any(20); text.size() < size;)
      text.push_back(kLetters[any(kLetters.size())]);
    secrets.push_back(text);
    return text;
  }
  std::string sent(const std::string& bytes) {
    secrets.push_back(base64_of(bytes));
    return secrets.back();
  }

  void frame(std::string_view tag, std::string_view text = {}) {
    out_->push_back(dialogue_frame(id_, tag, text));
    // Now and then in a form that is kept as it came.
    if (any(20) == 0) out_->back().insert(1, " ");
  }
  // In up to three pieces.
  void pieces(std::string_view tag, std::string text) {
    while (text.size() > 1 && any(3) == 0) {
      const std::size_t size = 1 + any(text.size() - 1);
      frame(tag, text.substr(0, size));
      text.erase(0, size);
    }
    frame(tag, text);
  }
  void write(const std::string& text) { pieces("Write", text + "\r\n"); }
  void read(const std::string& text) { pieces("Read", text + "\r\n"); }

  void session() {
    frame("BeginSession");
    for (std::size_t connections = 1 + any(2); connections > 0; --connections) {
      frame("Connected");
      read("220 mx ESMTP");
      write(maybe() ? "EHLO out.example" : "ehlo out.example");
      read("250-mx\r\n250 AUTH PLAIN LOGIN XOAUTH2");
      for (std::size_t tries = 1 + any(3); tries > 0; --tries)
        authenticate();
      const bool welcome = maybe();
      if (welcome) message();
      frame("Closed");
      if (!welcome) frame("Diagnostic", "failed: " + secrets.back());
    }
  }

  void authenticate() {
    const std::string password = secret();
    std::string answer;
    switch (any(4)) {
      case 0: answer = plain(password); break;
      case 1: answer = login(password); break;
      case 2: answer = token(password); break;
      default: answer = unknown(password); break;
    }
    const std::string echo = maybe() ? password : answer;
    read(maybe() ? "235 welcome" : "535 5.7.8 not (" + echo + ") today");
  }

  std::string plain(const std::string& password) {
    const std::string answer = sent(std::string("\0scott\0", 7) + password);
    if (maybe()) {
      write((maybe() ? "AUTH PLAIN " : "auth plain ") + answer);
      return answer;
    }
    write("AUTH PLAIN");
    read("334 ");
    write(answer);
    return answer;
  }

  std::string login(const std::string& password) {
    if (maybe()) {
      write("AUTH LOGIN " + base64_of("scott"));
    } else {
      write("AUTH LOGIN");
      read("334 VXNlcm5hbWU6");
      write(base64_of("scott"));
    }
    read("334 UGFzc3dvcmQ6");
    write(sent(password));
    return secrets.back();
  }

  std::string token(const std::string& password) {
    const std::string answer = sent(
        "user=scott\x01"
        "auth=Bearer " +
        password + "\x01\x01");
    write("AUTH XOAUTH2 " + answer);
    if (maybe()) {
      read("334 eyJzdGF0dXMiOiI0MDAifQ==");
      write("");
    }
    return answer;
  }

  std::string unknown(const std::string& password) {
    write("AUTH X-UNHEARD-OF");
    read("334 Y2hhbGxlbmdl");
    write(sent(password));
    return secrets.back();
  }

  void message() {
    frame("MessageObtained");
    write("MAIL FROM:<a@b.example>");
    read("250 ok");
    write("DATA");
    read("354 go");
    frame("Write", "Subject: AUTH PLAIN\r\n\r\nAUTH PLAIN, said she\r\n");
    frame("Write", ".\r\n");
    read("250 queued");
  }

  std::vector<std::string> mixed(std::vector<std::vector<std::string>> sessions) {
    std::vector<std::string> all;
    std::vector<std::size_t> next(sessions.size(), 0);
    for (std::size_t left = sessions.size(); left > 0;) {
      const std::size_t i = any(sessions.size());
      if (next[i] == sessions[i].size()) continue;
      all.push_back(sessions[i][next[i]]);
      if (++next[i] == sessions[i].size()) --left;
    }
    return all;
  }

  std::mt19937 random_;
  std::string id_;
  std::vector<std::string>* out_ = nullptr;
};

class LevelsTape : public ::testing::Test {
 protected:
  // The bytes of all records of the tape that is recorded.
  std::string records(const std::vector<std::string>& frames,
                      Levels levels,
                      const FrameChunk& gap = {},
                      const std::vector<std::string>& more = {}) {
    const TemporaryDirectory directory;
    const Store store(directory.path());
    RecorderOptions options;
    options.source = "mta";
    options.levels = levels;
    Recorder recorder(store, sync_, options, nullptr);
    record_on_time(recorder, chunk_of(frames, kStart));
    record_on_time(recorder, gap);
    record_on_time(recorder, chunk_of(more, kStart));
    recorder.finish(at(kStart + kSecond));
    tape_ = read_store(store, "mta").at(0);
    counted_ = recorder.levels() == nullptr ? 0 : recorder.levels()->masked();
    return testing::records_of(testing::read_file(tape_.path));
  }

  DiskThreads sync_{std::chrono::hours(1), 0};
  StoredTape tape_;
  std::uint64_t counted_ = 0;
};

TEST_F(LevelsTape, NoSecretOfAnyDialogueIsInIt) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Dialogues dialogues(seed);
    const std::vector<std::string> frames = dialogues.frames();
    const std::string kept = records(frames, {});
    const std::string masked = records(frames, {Bodies::Full, Secrets::Mask});
    ASSERT_FALSE(dialogues.secrets.empty());
    for (const std::string& secret : dialogues.secrets)
      ASSERT_THAT(masked, Not(HasSubstr(secret)));
    const auto has_message = [](const std::string& bytes) {
      return bytes.find("AUTH PLAIN, said she") != std::string::npos;
    };
    ASSERT_EQ(has_message(masked), has_message(kept));
    ASSERT_EQ(tape_.events.size(), frames.size());
    ASSERT_EQ(counted_, tape_.footer.value().groups.at(0).masked);
    ASSERT_GT(counted_, 0U);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const bool usual = frames[i][1] != ' ';
      ASSERT_EQ(tape_.events[i].frame.size(), frames[i].size() - (usual ? 0 : 1));
    }
  }
}

// Otherwise the test above could not fail.
TEST_F(LevelsTape, EverySecretIsInItWhenKept) {
  Dialogues dialogues(1);
  const std::vector<std::string> frames = dialogues.frames();
  const std::string kept = records(frames, {});
  EXPECT_THAT(kept, HasSubstr(dialogues.secrets.at(1)));
  EXPECT_EQ(frames_of({tape_}), frames);
  EXPECT_TRUE(tape_.footer.value().notes.empty());
}

// After a loss a message may be over: what looks like a command is one.
TEST_F(LevelsTape, KnowsOfLosses) {
  const std::string data = dialogue_frame("A", "Write", "DATA\r\n");
  const std::string reply = dialogue_frame("A", "Read", "354 go\r\n");
  const std::string auth = dialogue_frame("A", "Write", "AUTH PLAIN c2VjcmV0\r\n");
  std::string lag = dialogue_frame("A", "Diagnostic", "Tracer Lagged behind and missed 5 events");
  lag.replace(lag.find(R"({"id":"A"})"), 10, "null");
  const Levels mask{Bodies::Full, Secrets::Mask};
  EXPECT_THAT(records({data, reply, auth}, mask), HasSubstr("c2VjcmV0"));
  EXPECT_THAT(records({data, reply, lag, auth}, mask), Not(HasSubstr("c2VjcmV0")));

  FrameChunk gap;
  gap.received = arriving(at(kStart));
  gap.gaps.emplace_back().cause = GapCause::QueueFull;
  EXPECT_THAT(records({data, reply}, mask, gap, {auth}), Not(HasSubstr("c2VjcmV0")));
}

TEST_F(LevelsTape, OfAKumoMtaThatAuthenticates) {
  const auto frames = testing::read_lines(testing::golden_path("feeds/tlsauth/raw.jsonl"));
  const std::string masked = records(frames, {Bodies::None, Secrets::Mask});
  EXPECT_THAT(masked, Not(HasSubstr("AHNjb3R0AHRpZ2Vy")));
  EXPECT_THAT(masked, HasSubstr("AUTH PLAIN ****************\r\n"));
  EXPECT_THAT(masked, Not(HasSubstr("\r\n\r\n"))) << "no message";
  // One of the six is refused, and quoted when its connection is gone.
  EXPECT_THAT(masked, HasSubstr("command: Some(\"AUTH PLAIN ****************\\r\\n\")"));
  EXPECT_EQ(tape_.footer.value().groups.at(0).masked, 7U);
  EXPECT_EQ(tape_.footer.value().notes.size(), 2U);
  std::uint64_t messages = 0;
  for (const std::string& frame : frames)
    messages += frame.find("{\"Write\":\"DATA") != std::string::npos ? 1U : 0U;
  EXPECT_LE(tape_.footer.value().groups.at(0).trimmed, messages);
  EXPECT_GT(tape_.footer.value().groups.at(0).trimmed, 0U);
}

TEST_F(LevelsTape, OfKumoMtaLeavesEverythingElseAsItIs) {
  for (const char* const feed : {"basic", "tlsauth", "errors"}) {
    const auto frames =
        testing::read_lines(testing::golden_path("feeds/" + std::string(feed) + "/raw.jsonl"));
    records(frames, {Bodies::None, Secrets::Mask});
    const std::vector<std::string> stored = frames_of({tape_});
    ASSERT_EQ(stored.size(), frames.size());
    std::uint64_t changed = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (stored[i] == frames[i]) continue;
      ++changed;
      const bool message = stored[i].find(R"("payload":{"Write":""})") != std::string::npos;
      EXPECT_TRUE(message || stored[i].find("AUTH PLAIN ***") != std::string::npos) << frames[i];
    }
    const GroupIndex& index = tape_.footer.value().groups.at(0);
    EXPECT_EQ(changed, index.trimmed + index.masked);
    EXPECT_GT(changed, 0U);
  }
}

}  // namespace
}  // namespace smtptape
