// Which dialogue is repeated, and that nothing of a recording becomes more than a word.
#include "share/swaks/swaks_session.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/visible_text.h"
#include "tests/sessions/told_events.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Ran;
using ::testing::StartsWith;

SwaksSession told(const EventBatch& batch) {
  SwaksBuilder builder("a");
  for (const Event& event : batch.events)
    builder.add(event);
  return builder.finish();
}

// The command, without the words in front of the first that is of interest.
std::string command(ToldEvents& events) {
  const SwaksSession session = told(events.batch());
  const std::size_t begin = session.lines.rfind("swaks --server ");
  return begin == std::string::npos ? session.lines : session.lines.substr(begin);
}

constexpr const char* kMeta =
    R"("mx_host":"mx1.dest.example.","mx_address":"192.0.2.7","source_address":"198.51.100.7:4025")";

struct Connected : ToldEvents {
  Connected() {
    meta = kMeta;
    tell("begin", "I Attempting connection to 192.0.2.7:25", "connected");
  }
};

TEST(Swaks, RepeatsWhatWasRefused) {
  Connected events;
  events.tell("S 220 mx", "C EHLO me.example", "S 250 ok", "obtained");
  events.tell("C MAIL FROM:<a@b.example> BODY=8BITMIME", "S 250 ok");
  events.tell("C RCPT TO:<c@d.example>", "S 550 5.1.1 who's that?\r\n");
  events.tell("C RSET", "S 250 ok", "C QUIT", "S 221 bye", "closed");
  const SwaksSession session = told(events.batch());
  EXPECT_TRUE(session.repeatable);
  EXPECT_EQ(
      session.lines,
      "# session 'a' of 'mta1', 2026-08-04T21:00:00.010Z: '550 5.1.1 who'\\''s that?'\n"
      "# to 'mx1.dest.example.' from '198.51.100.7:4025', with --local-interface if it is ours\n"
      "# without 'BODY=8BITMIME' of MAIL FROM\n"
      "swaks --server 192.0.2.7 --port 25 --ehlo 'me.example' --from 'a@b.example' "
      "--to 'c@d.example' --quit-after RCPT\n");
}

TEST(Swaks, IsSilentOfWhatWentWell) {
  Connected events;
  events.tell("S 220 mx", "C EHLO me.example", "S 250 ok", "obtained");
  events.tell("C MAIL FROM:<>", "S 250 ok", "C RCPT TO:<c@d.example>", "S 250 ok", "C DATA");
  events.tell(
      "S 354 go", "C Subject: x\r\n\r\nbody", "C .", "S 250 ok", "C QUIT", "S 221 x", "closed");
  EXPECT_THAT(told(events.batch()).lines, IsEmpty());
}

TEST(Swaks, TakesTheTransactionThatFailed) {
  Connected events;
  events.tell("S 220 mx", "C EHLO me.example", "S 250 ok", "obtained");
  events.tell("C MAIL FROM:<good@b.example>", "S 250 ok", "C RCPT TO:<x@d.example>", "S 250 ok");
  events.tell("C DATA", "S 354 go", "C body", "C .", "S 250 ok", "obtained", "C RSET", "S 250 ok");
  events.tell("C MAIL FROM:<>", "C RCPT TO:<y@d.example>", "C RCPT TO:<z@d.example>", "C DATA");
  events.tell("S 250 ok", "S 450 later", "S 250 ok", "S 354 go", "C body", "C .", "S 552 too big");
  events.tell("obtained", "C RSET", "S 250 ok", "C MAIL FROM:<other@b.example>", "S 250 ok");
  EXPECT_THAT(command(events),
              StartsWith("swaks --server 192.0.2.7 --port 25 --ehlo 'me.example' --from '<>' "
                         "--to 'y@d.example,z@d.example' --pipeline --header 'Subject: "));
}

TEST(Swaks, NamesTheReplyThatDecided) {
  Connected events;
  events.tell("S 220 mx", "C EHLO me.example", "S 250 ok", "obtained");
  events.tell("C MAIL FROM:<a@b.example>", "C RCPT TO:<y@d.example>", "C DATA");
  events.tell("S 250 ok", "S 451 greylisted", "S 554 no valid recipients");
  EXPECT_THAT(told(events.batch()).lines, HasSubstr("'451 greylisted'"));
}

TEST(Swaks, EndsWhereTheDialogueEnded) {
  Connected banner;
  banner.tell("S 554 no", "closed");
  EXPECT_EQ(command(banner), "swaks --server 192.0.2.7 --port 25 --quit-after CONNECT\n");
  Connected hello;
  hello.tell("S 220 mx", "C LHLO me", "S 501 who", "closed");
  EXPECT_THAT(command(hello), EndsWith(" --protocol LMTP --ehlo 'me' --quit-after FIRST-HELO\n"));
  Connected tls;
  tls.tell("S 220 mx", "C EHLO me", "S 250 STARTTLS", "C STARTTLS", "S 454 not now");
  EXPECT_THAT(command(tls), EndsWith(" --ehlo 'me' --tls --quit-after TLS\n"));
  Connected mail;
  mail.tell("S 220 mx", "C EHLO me", "S 250 x", "C MAIL FROM:<a@b>", "S 550 no");
  EXPECT_THAT(command(mail), EndsWith(" --from 'a@b' --quit-after MAIL\n"));
}

TEST(Swaks, RepeatsAConnectionThatFailed) {
  ToldEvents events;
  events.tell("begin", "I Attempting connection to [2001:db8::7]:2525");
  events.tell("E connect to [2001:db8::7]:2525 and read initial banner: refused");
  EXPECT_EQ(command(events), "swaks --server 2001:db8::7 --port 2525 --quit-after CONNECT\n");
}

// base64 of "\0alice\0s3cr3t-word".
constexpr const char* kAuth = "C AUTH PLAIN AGFsaWNlAHMzY3IzdC13b3Jk";

TEST(Swaks, AsksForThePassword) {
  Connected events;
  events.tell("S 220 mx", "C EHLO me", "S 250 AUTH PLAIN", kAuth);
  events.tell("S 535 not s3cr3t-word, AGFsaWNlAHMzY3IzdC13b3Jk", "E said: s3cr3t-word", "closed");
  const std::string lines = told(events.batch()).lines;
  EXPECT_THAT(lines, HasSubstr(" --auth PLAIN --auth-user 'alice' --quit-after AUTH\n"));
  EXPECT_THAT(lines, Not(HasSubstr("s3cr3t")));
  EXPECT_THAT(lines, Not(HasSubstr("AGFsaWNl")));
  EXPECT_THAT(lines, HasSubstr("swaks asks for the password"));
}

TEST(Swaks, SaysWhatItCantRepeat) {
  const auto why = [](const std::string& mail, const std::string& rcpt, const std::string& hello) {
    Connected events;
    events.tell("S 220 mx", "C EHLO " + hello, "S 250 x");
    events.tell("C MAIL FROM:<" + mail + ">", "S 250 x", "C RCPT TO:<" + rcpt + ">", "S 550 no");
    const SwaksSession session = told(events.batch());
    EXPECT_FALSE(session.repeatable);
    return session.lines.substr(session.lines.rfind("# no command: "));
  };
  EXPECT_EQ(why("-x@y", "a@b", "me"),
            "# no command: the sender begins with -, which swaks takes for an option\n");
  EXPECT_EQ(why("a@b", "x,y@z", "me"),
            "# no command: a recipient holds a comma, at which swaks would split it\n");
  EXPECT_EQ(why("a@b", "x@y\x1b", "me"),
            "# no command: a recipient holds what no line of a terminal can\n");
  EXPECT_EQ(why("a@b", "x@y", "--config"),
            "# no command: the name in EHLO begins with -, which swaks takes for an option\n");
  ToldEvents nowhere;
  nowhere.meta = R"("mx_address":"/run/lmtp.sock")";
  nowhere.tell("begin", "connected", "S 554 no");
  EXPECT_THAT(told(nowhere.batch()).lines,
              EndsWith("# no command: the server has no IP address in the recording\n"));
}

// What a shell makes of the lines: the words of the command, as they are; of the comments, which
// some shells run, nothing.
TEST(Swaks, IsWordsToAShellWhateverItHolds) {
  const std::vector<std::string> pieces{"'",
                                        "\\",
                                        "\"",
                                        "$(touch canary)",
                                        "`touch canary`",
                                        ";touch canary;",
                                        "|",
                                        "&",
                                        ">canary",
                                        "!",
                                        " ",
                                        "#",
                                        "*",
                                        "~",
                                        "{a,b}",
                                        "$HOME",
                                        "%NEWLINE%",
                                        "\n",
                                        "\x1b[2J",
                                        "ü",
                                        "@",
                                        "x",
                                        "=",
                                        "'\n touch canary '",
                                        "\\'",
                                        "(",
                                        "<",
                                        "\u202e",
                                        "\r",
                                        std::string(1, '\0')};
  std::mt19937 random(3);
  bool line_ends = true;
  const auto any = [&] {
    std::string text = "x";
    for (std::size_t i = 1 + random() % 4; i > 0; --i) {
      const std::string& piece = pieces[random() % pieces.size()];
      if (line_ends || piece.find_first_of("\r\n") == std::string::npos) text += piece;
    }
    return text;
  };
  TemporaryDirectory directory;
  const std::string file = directory / "lines";
  std::string script = "set -f\nswaks() { printf '%s\\0' \"$@\"; }\n";
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    ToldEvents events;
    std::string host;
    append_json_string(host, any());
    events.meta = R"("mx_host":)" + host + R"(,"mx_address":"192.0.2.7","source_address":)" + host;
    line_ends = i % 3 == 0;  // what is sent is then another command: of it only that it is harmless
    const std::string hello = any();
    const std::string sender = any() + "@x";
    const std::string recipient = any() + "@y";
    events.tell("begin", "connected", "S 220 " + any(), "C EHLO " + hello, "S 250 x");
    events.tell("C MAIL FROM:<" + sender + "> " + any(), "S 250 x");
    events.tell("C RCPT TO:<" + recipient + ">", "S 550 " + any());
    const SwaksSession session = told(events.batch());
    ASSERT_THAT(session.lines, EndsWith("\n"));
    for (const char c : session.lines)
      EXPECT_TRUE(c == '\n' || !std::iscntrl(static_cast<unsigned char>(c)));
    std::string_view left = session.lines;
    while (!left.empty()) {  // a comment is run as well
      const std::string_view line = left.substr(0, left.find('\n'));
      left.remove_prefix(line.size() + 1);
      const bool is_command = line.starts_with("swaks --server 192.0.2.7 --port ");
      EXPECT_TRUE(is_command || line.starts_with("# "));
      script += is_command ? std::string(line) : ":" + std::string(line.substr(1));
      script += line_ends ? " > seen\n" : "\n";
      if (is_command && !line_ends) script += "printf '\\n'\n";
    }
    if (!session.repeatable || line_ends) continue;
    for (const std::string& word : {std::string("--server"),
                                    std::string("192.0.2.7"),
                                    std::string("--port"),
                                    std::string("25"),
                                    std::string("--ehlo"),
                                    hello,
                                    std::string("--from"),
                                    sender,
                                    std::string("--to"),
                                    recipient,
                                    std::string("--quit-after"),
                                    std::string("RCPT")})
      expected += word + '\0';
    expected += '\n';
  }
  ASSERT_FALSE(expected.empty()) << "some can be repeated";
  std::ofstream(file) << script;
  for (const char* const shell : {"/bin/sh", "/bin/bash"}) {
    const Ran ran = testing::run_program(
        shell, {"-c", "cd \"$1\" && . ./lines", shell, directory.path().string()});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(ran.err, "");
    EXPECT_TRUE(ran.out == expected) << shell;
  }
  EXPECT_FALSE(std::filesystem::exists(directory / "canary"));
}

}  // namespace
}  // namespace smtptape
