// However a dialogue was split into events, the same of it is hidden.
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "filters/event_levels.h"
#include "tests/filters/applied_levels.h"

namespace smtptape {
namespace {

constexpr Levels kMask{Bodies::Full, Secrets::Mask};
constexpr Levels kNone{Bodies::None, Secrets::Keep};

enum class By : std::uint8_t { Client, Server, Message };

// What one side sent; secrets stand between { and }.
struct Said {
  By by;
  std::string text;

  // With what stands between the braces, or with asterisks for it.
  [[nodiscard]] std::string spelled(bool hidden) const {
    std::string out;
    bool secret = false;
    for (const char c : text) {
      if (c == '{' || c == '}') {
        secret = c == '{';
      } else {
        out += secret && hidden ? '*' : c;
      }
    }
    return out;
  }
};
using Dialogue = std::vector<Said>;

Said c(std::string_view text) {
  return {By::Client, std::string(text)};
}
Said s(std::string_view text) {
  return {By::Server, std::string(text)};
}
Said m(std::string_view text) {
  return {By::Message, std::string(text)};
}

struct Example {
  const char* name;
  Dialogue dialogue;
};

const std::vector<Example>& examples() {
  static const Said kHello = c("EHLO out.example\r\n");
  static const Said kMessage =
      m("Subject: x\r\n\r\nAUTH PLAIN AHNjb3R0AHg=\r\nQUIT\r\n..\r\ndGlnZXItNw==\r\nbye");
  static const std::vector<Example> kExamples{
      {"plain, and commands behind it",
       {kHello,
        s("250-mx\r\n250 AUTH PLAIN\r\n"),
        c("AUTH PLAIN {AHNjb3R0AHRpZ2VyLTc=}\r\nMAIL FROM:<a@b.example>\r\n"),
        c("RCPT TO:<c@d.example>\r\nDATA\r\n"),
        s("235 welcome\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        kMessage,
        m("\r\n.\r\n"),
        s("250 queued\r\n"),
        c("RSET\r\nAUTH PLAIN {AHNjb3R0AHRpZ2VyLTc=}\r\n"),
        s("503 again?\r\n"),
        c("QUIT\r\n")}},
      {"login, question by question",
       {c("AUTH LOGIN\r\n"),
        s("334 VXNlcm5hbWU6\r\n"),
        c("{c2NvdHQ=}\r\n"),
        s("334 UGFzc3dvcmQ6\r\n"),
        c("{dGlnZXItNw==}\r\n"),
        s("535-no\r\n535 at all\r\n"),
        c("AUTH LOGIN {c2NvdHQ=}\r\n"),
        s("334 UGFzc3dvcmQ6\r\n"),
        c("{HELP}\r\n"),
        s("235 ok\r\n"),
        c("DATA\r\n"),
        s("503 of what?\r\n"),
        c("MAIL FROM:<a@b.example> AUTH=<c@d.example>\r\n")}},
      {"login at once, and commands behind it",
       {c("EHLO a\r\nAUTH LOGIN\r\n{d2Vhc2Vs}\r\n{dGlnZXItNw==}\r\nMAIL FROM:<a@b.example>\r\n"),
        c("RCPT TO:<c@d.example>\r\n")}},
      {"login at once, and its replies",
       {c("AUTH LOGIN\r\n{d2Vhc2Vs}\r\n{dGlnZXItNw==}\r\nMAIL FROM:<a@b.example>\r\n"),
        s("334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n"),
        c("RCPT TO:<c@d.example>\r\n"),
        s("235 ok\r\n250 ok\r\n250 ok\r\n"),
        c("DATA\r\n"),
        s("354 go\r\n"),
        kMessage,
        m("\r\n.\r\n"),
        c("NOOP\r\n")}},
      {"called off",
       {c("AUTH CRAM-MD5\r\n"),
        s("334 PDE+\r\n"),
        c("*\r\n"),
        s("501 cancelled\r\n"),
        c("AUTH EXTERNAL =\r\n"),
        s("334 \r\n"),
        c("=\r\n"),
        s("535 no\r\n"),
        c("NOOP\r\n")}},
      {"a token, and the empty answer to what was wrong with it",
       {c("AUTH XOAUTH2 {dXNlcj1zY290dAFhdXRoPUJlYXJlciB5YTI5AQE=}\r\n"),
        s("334 eyJzdGF0dXMiOiI0MDAifQ==\r\n"),
        c("\r\n"),
        s("535 no\r\n"),
        c("QUIT\r\n")}},
      {"encrypted in between",
       {kHello,
        s("250-mx\r\n250 STARTTLS\r\n"),
        c("STARTTLS\r\n"),
        s("220 go\r\n"),
        kHello,
        s("250 AUTH LOGIN\r\n"),
        c("auth Login\r\n"),
        s("334 VXNlcm5hbWU6\r\n"),
        c("{cXVpdA==}\r\n"),
        s("334 UGFzc3dvcmQ6\r\n"),
        c("{EXPN}\r\n"),
        s("235 ok\r\n"),
        c("QUIT\r\n")}},
      {"chunks",
       {kHello,
        s("250 CHUNKING\r\n"),
        c("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 54\r\n"),
        m("Subject: x\r\n\r\nAUTH PLAIN AHNjb3R0AHRpZ2VyLTc=\r\nMAIL FR"),
        c("bdat 20 last\r\n"),
        m("OM:<x>\r\n.\r\nBDAT 99\r\n"),
        s("250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n"),
        c("AUTH PLAIN {AHNjb3R0AHRpZ2VyLTc=}\r\n"),
        s("235 ok\r\n"),
        c("MAIL FROM:<a@b.example>\r\nBDAT 4\r\n"),
        m("QUIT"),
        c("BDAT 0 LAST\r\nAUTH LOGIN {c2NvdHQ=}\r\n{dGlnZXItNw==}\r\n"),
        c("QUIT\r\n")}},
      {"a reply for each recipient",
       {c("LHLO out.example\r\n"),
        s("250 mx\r\n"),
        c("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@d.example>\r\nDATA\r\n"),
        s("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        kMessage,
        m("\r\n.\r\n"),
        s("250 for c\r\n450 for e\r\n"),
        c("AUTH PLAIN {AHNjb3R0AHRpZ2VyLTc=}\r\n"),
        c("QUIT\r\n")}},
  };
  return kExamples;
}

class Stored {
 public:
  explicit Stored(const Levels& levels) : feed_(levels) { feed_.happens("Connected"); }

  std::string take(const Said& said, std::string_view text) {
    return said.by == By::Server ? feed_.read(text) : feed_.write(text);
  }
  // In pieces that end at the cuts.
  std::string take(const Said& said, const std::vector<std::size_t>& cuts) {
    const std::string text = said.spelled(false);
    std::string out;
    std::size_t from = 0;
    for (const std::size_t cut : cuts) {
      out += take(said, std::string_view(text).substr(from, cut - from));
      from = cut;
    }
    return out + take(said, std::string_view(text).substr(from));
  }

 private:
  AppliedLevels feed_;
};

// Calls `check` for each of what was said, whole but for one.
template <class Check>
void split_everywhere(const Levels& levels, const Check& check) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(example.name);
    for (std::size_t split = 0; split < example.dialogue.size(); ++split) {
      const std::size_t size = example.dialogue[split].spelled(false).size();
      for (std::size_t cut = 0; cut < size; ++cut) {
        SCOPED_TRACE(::testing::Message() << "cut " << split << " at " << cut);
        Stored stored(levels);
        for (std::size_t i = 0; i < example.dialogue.size(); ++i) {
          const bool here = i == split && cut > 0;
          check(example.dialogue[i],
                stored.take(example.dialogue[i],
                            here ? std::vector{cut} : std::vector<std::size_t>{}));
          if (::testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

template <class Check>
void byte_by_byte(const Levels& levels, const Check& check) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(example.name);
    Stored stored(levels);
    for (const Said& said : example.dialogue) {
      std::vector<std::size_t> cuts;
      for (std::size_t cut = 1; cut < said.spelled(false).size(); ++cut)
        cuts.push_back(cut);
      check(said, stored.take(said, cuts));
    }
  }
}

TEST(SplitDialogues, HideTheSameSecrets) {
  const auto check = [](const Said& said, const std::string& stored) {
    EXPECT_EQ(stored, said.spelled(true));
  };
  split_everywhere(kMask, check);
  byte_by_byte(kMask, check);
}

// Of the dot it may be that only part is there, and taken for a message's.
TEST(SplitDialogues, LeaveOutMessagesAndNothingElse) {
  const auto check = [](const Said& said, const std::string& stored) {
    if (said.by != By::Message) {
      EXPECT_EQ(stored, said.spelled(false));
    } else if (!said.text.ends_with(stored) || !std::string_view("\r\n.\r\n").ends_with(stored)) {
      ADD_FAILURE() << "kept of a message: " << stored;
    }
  };
  split_everywhere(kNone, check);
  byte_by_byte(kNone, check);
}

// What one side says until the other one does, as one event.
TEST(SplitDialogues, HideTheSameWhenTheyAreJoined) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(example.name);
    Stored stored(kMask);
    Said said;
    for (std::size_t i = 0; i < example.dialogue.size(); ++i) {
      const bool server = example.dialogue[i].by == By::Server;
      said.by = example.dialogue[i].by;
      said.text += example.dialogue[i].text;
      const bool goes_on =
          i + 1 < example.dialogue.size() && server == (example.dialogue[i + 1].by == By::Server);
      if (goes_on) continue;
      EXPECT_EQ(stored.take(said, said.spelled(false)), said.spelled(true));
      said.text.clear();
    }
  }
}

// Behind a message, what follows in the same event goes with it, but is understood.
TEST(SplitDialogues, GoOnBehindAMessageInTheSameEvent) {
  AppliedLevels feed({Bodies::Headers, Secrets::Mask});
  feed.write("DATA\r\n");
  feed.read("354 go\r\n");
  EXPECT_EQ(feed.write("a: b\r\n\r\ntext\r\n.\r\nAUTH LOGIN\r\n"), "a: b\r\n\r\n");
  feed.read("250 queued\r\n334 VXNlcm5hbWU6\r\n");
  EXPECT_EQ(feed.write("no base64\r\n"), "*********\r\n");
  EXPECT_EQ(feed.write("TEST\r\n"), "****\r\n");
}

// ---- in doubt ----

TEST(DoubtfulDialogues, AChunkThatNobodyKnowsOfMayHideAnAuth) {
  AppliedLevels feed({Bodies::Full, Secrets::Mask});
  feed.write("BDAT 5000\r\n");
  EXPECT_EQ(feed.write("Dear all,\r\nAUTH PLAIN c2VjcmV0\r\nbye\r\n"),
            "Dear all,\r\nAUTH PLAIN ********\r\nbye\r\n");
  feed.happens("Closed");
  feed.happens("Connected");
  feed.write("BDAT 5000\r\n");
  EXPECT_EQ(feed.write("AUTH PLAIN c2VjcmV0\r\n"), "AUTH PLAIN c2VjcmV0\r\n");
}

TEST(DoubtfulDialogues, AnAuthBehindWhatWasNotSeenBeginning) {
  AppliedLevels feed({Bodies::Full, Secrets::Mask});
  EXPECT_EQ(feed.write("out.example\r\nAUTH PLAIN c2VjcmV0\r\n"),
            "out.example\r\nAUTH PLAIN ********\r\n");
  EXPECT_EQ(feed.read("535 secret?\r\n"), "535 ******?\r\n");
}

TEST(DoubtfulDialogues, ALossWithinALine) {
  for (const char* const rest : {"H PLAIN c2VjcmV0", "AIN c2VjcmV0", "c2VjcmV0"}) {
    AppliedLevels feed({Bodies::Full, Secrets::Mask});
    feed.happens("Connected");
    feed.write("AUT");
    feed.levels().lost_track();
    EXPECT_EQ(feed.write(std::string(rest) + "\r\n"),
              std::string(std::string_view(rest).size(), '*') + "\r\n");
  }
  AppliedLevels feed({Bodies::Full, Secrets::Mask});
  feed.write("RC");
  feed.levels().lost_track();
  EXPECT_EQ(feed.write("AUTH PLAIN c2VjcmV0\r\n"), "AUTH PLAIN ********\r\n");
}

TEST(DoubtfulDialogues, AServerThatAsksForNothingGetsNoCommandHidden) {
  AppliedLevels feed({Bodies::None, Secrets::Keep});
  feed.happens("Connected");
  feed.read("334 what?\r\n334 come on\r\n");
  EXPECT_EQ(feed.write("DATA\r\n"), "DATA\r\n");
  feed.read("354 go\r\n");
  EXPECT_EQ(feed.write("c2VjcmV0\r\n"), "");
}

// ---- whatever comes ----

std::string random_text(std::mt19937& random) {
  static constexpr std::array<std::string_view, 24> kWords{
      "AUTH ", "LOGIN", "PLAIN ",   "\r\n", "\r\n", "\r\n", ".",          ".\r\n",
      "BDAT ", "7",     " LAST",    "DATA", "c2Vj", "=",    "*",          "EHLO a\r\n",
      "\r",    "\n",    "\xc3\xa9", "a: b", "QUIT", "334 ", "354 go\r\n", "MAIL FROM:<a>"};
  std::string text;
  for (std::size_t words = 1 + random() % 4; words > 0; --words)
    text += kWords[random() % kWords.size()];
  return text;
}

TEST(DoubtfulDialogues, NothingButWhatIsHiddenChanges) {
  std::mt19937 random(1);
  for (int dialogue = 0; dialogue < 300; ++dialogue) {
    AppliedLevels masked({Bodies::Full, Secrets::Mask});
    AppliedLevels trimmed({dialogue % 2 == 0 ? Bodies::None : Bodies::Headers, Secrets::Keep});
    for (int event = 0; event < 60; ++event) {
      const std::string text = random_text(random);
      const auto kind = random() % 16;
      if (kind < 4) {
        const char* const tags[] = {"Connected", "Closed", "MessageObtained", "BeginSession"};
        masked.happens(tags[kind]);
        trimmed.happens(tags[kind]);
      } else if (kind == 4) {
        masked.levels().lost_track();
        trimmed.levels().lost_track();
      } else {
        const std::string tag = kind == 5 ? "AbbreviatedWrite" : kind < 9 ? "Read" : "Write";
        const std::string frame = dialogue_frame("A", tag, text, text.size() + random() % 20);
        const std::string stored(masked.take(frame).text);
        ASSERT_EQ(stored.size(), text.size());
        for (std::size_t i = 0; i < text.size(); ++i)
          ASSERT_TRUE(stored[i] == text[i] || stored[i] == '*') << text << " became " << stored;
        ASSERT_TRUE(text.starts_with(trimmed.take(frame).text)) << text;
      }
    }
  }
}

}  // namespace
}  // namespace smtptape
