// --secrets mask: what of AUTH is stored, dialogue by dialogue.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "filters/event_levels.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"
#include "tests/filters/applied_levels.h"

namespace smtptape {
namespace {

constexpr Levels kMask{Bodies::Full, Secrets::Mask};
// "\0scott\0tiger-7", "scott", "tiger-7"
constexpr std::string_view kPlain = "AHNjb3R0AHRpZ2VyLTc=";
constexpr std::string_view kUser = "c2NvdHQ=";
constexpr std::string_view kPassword = "dGlnZXItNw==";

std::string line(std::string_view before, std::string_view secret) {
  return std::string(before).append(secret).append("\r\n");
}
std::string hidden(std::string_view before, std::string_view secret) {
  return line(before, std::string(secret.size(), '*'));
}

class MaskedSecrets : public testing::Test {
 protected:
  void expect_hidden(std::string_view before, std::string_view secret) {
    EXPECT_EQ(feed_.write(line(before, secret)), hidden(before, secret));
  }
  void expect_kept(std::string_view text) { EXPECT_EQ(feed_.write(text), text); }

  AppliedLevels feed_{kMask};
};

TEST_F(MaskedSecrets, PlainWithItsArgument) {
  expect_kept("EHLO out.example\r\n");
  feed_.read("250-mx\r\n250 AUTH PLAIN\r\n");
  const Event& event = feed_.take(dialogue_frame("A", "Write", line("AUTH PLAIN ", kPlain)));
  EXPECT_EQ(event.text, hidden("AUTH PLAIN ", kPlain));
  EXPECT_TRUE(event.masked);
  EXPECT_FALSE(event.trimmed);
  EXPECT_EQ(feed_.read("235 2.7.0 ok\r\n"), "235 2.7.0 ok\r\n");
  expect_kept("MAIL FROM:<a@b.example>\r\n");
  EXPECT_EQ(feed_.levels().masked(), 1U);
  EXPECT_EQ(feed_.levels().trimmed(), 0U);
}

TEST_F(MaskedSecrets, PlainInTwoSteps) {
  expect_kept("AUTH PLAIN\r\n");
  EXPECT_EQ(feed_.read("334 \r\n"), "334 \r\n");
  expect_hidden("", kPlain);
  feed_.read("235 ok\r\n");
  expect_kept("RSET\r\n");
}

TEST_F(MaskedSecrets, LoginInAllItsForms) {
  expect_kept("AUTH LOGIN\r\n");
  EXPECT_EQ(feed_.read("334 VXNlcm5hbWU6\r\n"), "334 VXNlcm5hbWU6\r\n");
  expect_hidden("", kUser);
  feed_.read("334 UGFzc3dvcmQ6\r\n");
  expect_hidden("", kPassword);
  feed_.read("535 no\r\n");
  expect_hidden("AUTH LOGIN ", kUser);
  feed_.read("334 UGFzc3dvcmQ6\r\n");
  expect_hidden("", kPassword);
  EXPECT_EQ(feed_.read("235 hello scott\r\n"), "235 hello scott\r\n");
  expect_kept("MAIL FROM:<a@b.example>\r\n");
}

TEST_F(MaskedSecrets, NeitherWaitsForTheChallengeNorForTheReply) {
  EXPECT_EQ(feed_.write(line("EHLO a\r\nAUTH LOGIN\r\n", kUser) + line("", kPassword)),
            hidden("EHLO a\r\nAUTH LOGIN\r\n", kUser) + hidden("", kPassword));
  expect_kept("MAIL FROM:<a@b.example>\r\n");
  expect_kept("DATA\r\n");
  feed_.read("250 ok\r\n334 VXNlcm5hbWU6\r\n");
  EXPECT_EQ(feed_.read(line("535 no ", kPassword)), hidden("535 no ", kPassword));
}

TEST_F(MaskedSecrets, APipelinedReplyBeforeTheChallenge) {
  expect_kept("EHLO a\r\n");
  expect_kept("AUTH LOGIN\r\n");
  feed_.read("250-mx\r\n250 AUTH LOGIN\r\n");
  feed_.read("334 VXNlcm5hbWU6\r\n");
  expect_hidden("", kUser);
}

TEST_F(MaskedSecrets, XOAuth2AndItsFailure) {
  const std::string token = "dXNlcj1zY290dAFhdXRoPUJlYXJlciB5YTI5LkF1dGhUb2tlbgEB";
  expect_hidden("AUTH XOAUTH2 ", token);
  feed_.read("334 eyJzdGF0dXMiOiI0MDAifQ==\r\n");
  expect_kept("\r\n");
  EXPECT_EQ(feed_.read("535 no ya29.AuthToken\r\n"), "535 no **************\r\n");
  expect_kept("QUIT\r\n");
}

TEST_F(MaskedSecrets, AnyMechanismInAnyCase) {
  expect_hidden("auth plain ", kPlain);
  feed_.read("535 no\r\n");
  expect_hidden("Auth Plain ", kPlain);
  feed_.read("535 no\r\n");
  expect_hidden("AUTH  X-SOMETHING_NEW  ", "bm90IGtub3du and more");
  feed_.read("334 more\r\n");
  expect_hidden("", "what we have: no base64");
  feed_.read("535 no\r\n");
  expect_hidden(" AUTH\tPLAIN\t", kPlain);
  feed_.read("535 no\r\n");
  // A mechanism doesn't look like this.
  expect_hidden("AUTH ", "dGlnZXItdGlnZXI");
}

TEST_F(MaskedSecrets, TheEmptyAnswerAndTheCancellationStay) {
  expect_kept("AUTH EXTERNAL =\r\n");
  feed_.read("334 \r\n");
  expect_kept("*\r\n");
  feed_.read("501 cancelled\r\n");
  expect_kept("AUTH LOGIN\r\n");
  feed_.read("334 VXNlcm5hbWU6\r\n");
  expect_kept("=\r\n");
  EXPECT_EQ(feed_.levels().masked(), 0U);
}

TEST_F(MaskedSecrets, SplitOverEvents) {
  const std::string whole = line("AUTH PLAIN ", kPlain);
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    SCOPED_TRACE(cut);
    AppliedLevels feed(kMask);
    std::string stored = feed.write(whole.substr(0, cut));
    stored += feed.write(whole.substr(cut));
    EXPECT_EQ(stored, hidden("AUTH PLAIN ", kPlain));
    feed.read("235 ok\r\n");
    EXPECT_EQ(feed.write("RSET\r\n"), "RSET\r\n");
  }
  AppliedLevels feed(kMask);
  std::string stored;
  for (const char c : whole)
    stored += feed.write(std::string(1, c));
  EXPECT_EQ(stored, hidden("AUTH PLAIN ", kPlain));
}

TEST_F(MaskedSecrets, AnAnswerSplitOverEvents) {
  expect_kept("AUTH LOGIN\r\n");
  feed_.read("33");
  feed_.read("4 VXNl");
  feed_.read("cm5hbWU6\r\n");
  EXPECT_EQ(feed_.write("c2Nv"), "****");
  EXPECT_EQ(feed_.write("dHQ=\r\n"), "****\r\n");
}

TEST_F(MaskedSecrets, WhatTheServerRepeats) {
  expect_hidden("AUTH PLAIN ", kPlain);
  EXPECT_EQ(feed_.read(line("502 unknown: AUTH PLAIN ", kPlain)),
            hidden("502 unknown: AUTH PLAIN ", kPlain));
  EXPECT_EQ(feed_.read("502 AUTH PLAIN AHNjb3R0AHRpZ…\r\n"), "502 AUTH PLAIN *************…\r\n");
  EXPECT_EQ(feed_.read("535 bad password tiger-7\r\n"), "535 bad password *******\r\n");
  EXPECT_EQ(feed_.read("535 bad user scott\r\n"), "535 bad user scott\r\n");
  const Event& event = feed_.take(
      dialogue_frame("A", "Diagnostic", "failed: 502 " + std::string(kPlain) + " is no command"));
  EXPECT_EQ(event.text, "failed: 502 ******************** is no command");
  EXPECT_TRUE(event.masked);
}

TEST_F(MaskedSecrets, WhatTheServerRepeatsInTwoPieces) {
  expect_hidden("AUTH PLAIN ", kPlain);
  EXPECT_EQ(feed_.read("535 no: AHNjb3R0"), "535 no: ********");
  EXPECT_EQ(feed_.read("AHRpZ2VyLTc=, tig"), "************, ***");
  EXPECT_EQ(feed_.read("er-7\r\n"), "****\r\n");
  EXPECT_EQ(feed_.read("535 t"), "535 t");
  EXPECT_EQ(feed_.read("ig"), "**");
  EXPECT_EQ(feed_.read("er-7\r\n"), "****\r\n");
}

TEST_F(MaskedSecrets, WhatADiagnosticRepeatsWhenTheConnectionIsGone) {
  expect_hidden("AUTH PLAIN ", kPlain);
  feed_.happens("Closed");
  EXPECT_EQ(feed_.text("A", "Diagnostic", "rejected tiger-7"), "rejected *******");
  expect_hidden("AUTH PLAIN ", kPlain);
  feed_.happens("MessageObtained");
  EXPECT_EQ(feed_.text("A", "Diagnostic", "a tiger-7"), "a tiger-7") << "now it is only a word";
}

TEST_F(MaskedSecrets, WhatADiagnosticQuotesOfACommandThatWasNotSeen) {
  const auto diagnostic = [this](std::string_view text) {
    return feed_.text("A", "Diagnostic", text);
  };
  EXPECT_EQ(diagnostic("via AUTH PLAIN to x: Some(\"AUTH PLAIN c2VjcmV0\\r\\n\"), 'AUTH x c2Vj'"),
            "via AUTH PLAIN to x: Some(\"AUTH PLAIN ********\\r\\n\"), 'AUTH x ****'");
  for (const char* const text : {"AUTH PLAIN was refused", "AUTH PLAIN refused", "AUTH ", "auth"})
    EXPECT_EQ(diagnostic(text), text);
}

// "\0scott\0ti\"ger\\7é", and what KumoMTA makes of the password where it quotes.
constexpr std::string_view kHardPlain = "AHNjb3R0AHRpImdlclw3w6k=";
constexpr std::string_view kHardQuoted = R"(ti\"ger\\7é)";

TEST_F(MaskedSecrets, WhatADiagnosticQuotesAsRustDoes) {
  expect_hidden("AUTH PLAIN ", kHardPlain);
  feed_.happens("Closed");
  const std::string before = R"(rejected: Response { content: "535 no )";
  EXPECT_EQ(feed_.text("A", "Diagnostic", before + std::string(kHardQuoted) + "\" }"),
            before + std::string(kHardQuoted.size(), '*') + "\" }");
}

TEST_F(MaskedSecrets, TheServersOwnBase64OfThePassword) {
  expect_hidden("AUTH PLAIN ", kHardPlain);
  EXPECT_EQ(feed_.read("535 dGkiZ2VyXDfDqQ== is wrong\r\n"), "535 **************== is wrong\r\n");
  EXPECT_EQ(feed_.read("535 x=ti%22ger%5C7%C3%a9&y\r\n"), "535 x=******************&y\r\n");
  EXPECT_EQ(feed_.read("535 ti%22g"), "535 ******");
  EXPECT_EQ(feed_.read("er%5C7%C3%a9&y\r\n"), "************&y\r\n");
}

TEST_F(MaskedSecrets, WhatTheClientRepeats) {
  expect_hidden("AUTH PLAIN ", kPlain);
  feed_.read("235 ok\r\n");
  EXPECT_EQ(feed_.write("XCLIENT LOGIN=tiger-7\r\n"), "XCLIENT LOGIN=*******\r\n");
  EXPECT_EQ(feed_.write("XCLIENT LOGIN=tig"), "XCLIENT LOGIN=***");
  EXPECT_EQ(feed_.write("er-7\r\n"), "****\r\n");
  const Event& event = feed_.take(dialogue_frame("A", "AbbreviatedWrite", "NOOP tiger-7", 30));
  EXPECT_EQ(event.text, "NOOP *******");
}

TEST_F(MaskedSecrets, AnArgumentThatTheConnectionEndedIn) {
  EXPECT_EQ(feed_.write("AUTH PLAIN AHNjb3R0AHRpZ2VyLTc"), "AUTH PLAIN *******************");
  feed_.happens("Closed");
  EXPECT_EQ(feed_.text("A", "Diagnostic", "at tiger-7"), "at *******");
}

TEST_F(MaskedSecrets, ALevelIsTextLikeAnother) {
  expect_hidden("AUTH PLAIN ", kPlain);
  std::string frame = dialogue_frame("A", "Diagnostic", "a");
  frame.replace(frame.find("ERROR"), 5, "tiger-7");
  const Event& event = feed_.take(frame);
  EXPECT_EQ(event.level, "*******");
  EXPECT_TRUE(event.masked);
}

TEST_F(MaskedSecrets, WholeCharactersAreMasked) {
  // Without base64 to decode, six bytes of it are enough: of the last character one byte.
  expect_hidden("AUTH X-NEW ", "abcdeéf");
  for (const char* const part : {"abcdeé!", "(abcdeè)", "bcdeé", "ééf", "cdeéf"}) {
    const std::string stored = feed_.text("A", "Diagnostic", part);
    EXPECT_EQ(stored.size(), std::string_view(part).size());
    EXPECT_TRUE(is_utf8(stored)) << stored;
  }
  EXPECT_EQ(feed_.text("A", "Diagnostic", "(abcdeè)"), "(*******)");
}

// ---- metadata ----

std::string with_meta(std::string frame, std::string_view members) {
  return frame.replace(frame.find(R"({"id")") + 1, 0, std::string(members) + ",");
}

TEST_F(MaskedSecrets, ValuesOfMetadata) {
  feed_.take(dialogue_frame("tiger-7", "Write", line("AUTH PLAIN ", kPlain)));
  const std::string members = R"("a":"x tiger-7","b":{"tiger-7":["tiger-7",7]},"c":"plain")";
  for (int i = 0; i < 2; ++i) {
    const Event& event = feed_.take(with_meta(dialogue_frame("tiger-7", "Closed", {}), members));
    EXPECT_EQ(event.meta->text(),
              R"({"a":"x *******","b":{"tiger-7":["*******",7]},"c":"plain","id":"tiger-7"})");
    EXPECT_TRUE(event.masked);
  }
  const Event& plain = feed_.take(with_meta(dialogue_frame("tiger-7", "Closed", {}), R"("a":"x")"));
  EXPECT_EQ(plain.meta->text(), R"({"a":"x","id":"tiger-7"})");
  EXPECT_FALSE(plain.masked);
}

TEST_F(MaskedSecrets, MetadataIsLookedAtAgainWhenThereIsMoreToHide) {
  const auto meta_at = [this](std::string_view text) {
    return std::string(
        feed_.take(with_meta(dialogue_frame("A", "Write", text), R"("a":"lion-8\"")"))
            .meta->text());
  };
  EXPECT_EQ(meta_at(line("AUTH PLAIN ", kPlain)), R"({"a":"lion-8\"","id":"A"})");
  EXPECT_EQ(meta_at(line("AUTH PLAIN ", "AHNjb3R0AGxpb24tOCI=")), R"({"a":"*******","id":"A"})");
  AppliedLevels kept(Levels{Bodies::None, Secrets::Keep});
  kept.write(line("AUTH PLAIN ", kPlain));
  EXPECT_EQ(
      kept.take(with_meta(dialogue_frame("A", "Closed", {}), R"("a":"tiger-7")")).meta->text(),
      R"({"a":"tiger-7","id":"A"})");
}

TEST_F(MaskedSecrets, SessionsDontMix) {
  feed_.text("A", "Write", "AUTH LOGIN\r\n");
  feed_.text("B", "Write", "AUTH LOGIN\r\n");
  feed_.text("A", "Read", "334 VXNlcm5hbWU6\r\n");
  EXPECT_EQ(feed_.text("C", "Write", "RCPT TO:<c@d.example>\r\n"), "RCPT TO:<c@d.example>\r\n");
  EXPECT_EQ(feed_.text("A", "Write", line("", kUser)), hidden("", kUser));
  feed_.text("B", "Read", "500 no\r\n");
  EXPECT_EQ(feed_.text("B", "Write", "RSET\r\n"), "RSET\r\n");
  EXPECT_EQ(feed_.text("C", "Read", "250 scott dGlnZXItNw==\r\n"), "250 scott dGlnZXItNw==\r\n");
}

TEST_F(MaskedSecrets, TheNextConnectionBeginsAnew) {
  expect_kept("AUTH LOGIN\r\n");
  feed_.read("334 VXNlcm5hbWU6\r\n");
  feed_.happens("Closed");
  feed_.happens("Connected");
  expect_kept("EHLO out.example\r\n");
  expect_hidden("AUTH PLAIN ", kPlain);
}

// ---- what was not seen ----

TEST_F(MaskedSecrets, ARecordingThatBeginsWithTheAnswer) {
  expect_hidden("", kPassword);
  feed_.read("235 ok\r\n");
  expect_kept("MAIL FROM:<a@b.example>\r\n");
}

TEST_F(MaskedSecrets, ARecordingThatBeginsWithTheChallenge) {
  feed_.read("334 UGFzc3dvcmQ6\r\n");
  expect_hidden("", "not base64, but asked for");
}

TEST_F(MaskedSecrets, LossesInBetween) {
  expect_kept("DATA\r\n");
  feed_.read("354 go\r\n");
  feed_.levels().lost_track();
  // The message may have ended, and another dialogue begun.
  expect_hidden("AUTH PLAIN ", kPlain);
  expect_kept("AUTH LOGIN\r\n");
  feed_.read("334 VXNlcm5hbWU6\r\n");
  feed_.levels().lost_track();
  expect_kept("QUIT\r\n");
  expect_hidden("", kPassword);
}

TEST_F(MaskedSecrets, OfTooManyConnectionsTheOldestIsForgotten) {
  AppliedLevels feed(kMask, 2);
  for (const char* const id : {"A", "B"}) {
    feed.text(id, "Write", "AUTH X\r\n");
    feed.text(id, "Read", "334 a challenge\r\n");
  }
  feed.text("A", "Read", "334 again\r\n");
  feed.text("C", "Write", "RSET\r\n");
  EXPECT_EQ(feed.text("A", "Write", "an answer\r\n"), "*********\r\n");
  EXPECT_EQ(feed.text("B", "Write", "an answer\r\n"), "an answer\r\n") << "of which nobody knows";
}

// ---- what is no secret ----

TEST_F(MaskedSecrets, AMessageMayTalkOfAuth) {
  expect_kept("DATA\r\n");
  feed_.read("354 go\r\n");
  expect_kept("AUTH PLAIN c2NvdHQ=\r\n\r\nAUTH LOGIN\r\n");
  expect_kept(".\r\n");
  feed_.read("250 ok\r\n");
  expect_hidden("AUTH PLAIN ", kPlain);
}

TEST_F(MaskedSecrets, TheAuthOfAnEnvelopeIsAnAddress) {
  expect_kept("MAIL FROM:<a@b.example> AUTH=<c@d.example>\r\n");
}

TEST_F(MaskedSecrets, CommandsStay) {
  for (const char* const command :
       {"STARTTLS\r\n", "quit\r\n", "NOOP\r\n", "LHLO a\r\n", "DATA\r\n"})
    expect_kept(command);
}

TEST_F(MaskedSecrets, WhenKeptNothingIsTouched) {
  AppliedLevels feed(Levels{Bodies::None, Secrets::Keep});
  EXPECT_EQ(feed.write(line("AUTH PLAIN ", kPlain)), line("AUTH PLAIN ", kPlain));
  EXPECT_EQ(feed.read(line("535 ", kPlain)), line("535 ", kPlain));
  EXPECT_EQ(feed.write("AUTH LOGIN\r\n"), "AUTH LOGIN\r\n");
  feed.read("334 VXNlcm5hbWU6\r\n");
  EXPECT_EQ(feed.write(line("", kUser)), line("", kUser));
  EXPECT_EQ(feed.levels().masked(), 0U);
}

// ---- frames that are stored as they came ----

TEST_F(MaskedSecrets, AFrameInAnotherFormIsBroughtIntoTheUsualOne) {
  const Event& event = feed_.take(
      R"({"when":"2026-08-04T13:54:50.123Z","payload":{"Write":"\u0041UTH PLAIN c2VjcmV0\r\n"},)"
      R"("conn_meta":{"id":"A"},"raw":"AUTH PLAIN c2VjcmV0"})");
  std::string stored;
  append_frame(stored, event);
  EXPECT_EQ(stored, dialogue_frame("A", "Write", "AUTH PLAIN ********\r\n"));
  EXPECT_TRUE(event.masked);
}

TEST_F(MaskedSecrets, OfWhatCantBeReadOnlyTheLengthStays) {
  const std::string unknown = dialogue_frame("A", "SecretWrite", {});
  for (const std::string& frame : {unknown, std::string("{\"AUTH"), std::string("\xff secret")}) {
    const Event& event = feed_.take(frame);
    EXPECT_EQ(event.kind, EventKind::Unknown);
    EXPECT_EQ(event.verbatim->frame, std::string(frame.size(), '*'));
    EXPECT_TRUE(event.verbatim->tag.empty() && event.verbatim->payload.empty());
    EXPECT_TRUE(event.masked);
  }
  const Event& binary = feed_.take("secret", Opcode::Binary);
  EXPECT_EQ(binary.verbatim->frame, "******");
  EXPECT_EQ(binary.verbatim->opcode, Opcode::Binary);
  EXPECT_FALSE(feed_.take("").masked) << "nothing was there";
  EXPECT_EQ(feed_.levels().masked(), 4U);
}

TEST_F(MaskedSecrets, ATimeThatATapeCantHoldCostsTheFrame) {
  std::string frame = dialogue_frame("A", "Read", "250 ok");
  frame.replace(frame.find("2026"), 4, "+12026");
  EXPECT_EQ(feed_.take(frame).verbatim->frame, std::string(frame.size(), '*'));
}

}  // namespace
}  // namespace smtptape
