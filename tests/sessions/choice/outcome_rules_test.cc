// What is asked of single sessions: each rule, and that no border between events matters.
#include "sessions/choice/outcome_rules.h"

#include <chrono>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "sessions/choice/judged_session.h"
#include "sessions/choice/what_came_out.h"
#include "tests/sessions/told_events.h"

namespace smtptape {
namespace {

using Case = LinePatterns::Case;
using Complete = SessionRules::Complete;

OutcomeWishes wish(const std::function<void(OutcomeWishes&)>& fill) {
  OutcomeWishes wishes;
  fill(wishes);
  return wishes;
}

std::vector<std::string> chosen(const EventBatch& batch, const OutcomeWishes& wishes) {
  const auto rules = rules_of(wishes);
  const auto chooser = rules->chooser(Complete::AtTheEnd);
  chooser->add(batch);
  return chooser->finish().sessions;
}

bool holds(const EventBatch& batch, const std::function<void(OutcomeWishes&)>& fill) {
  return !chosen(batch, wish(fill)).empty();
}

// A session of which one message was deferred at RCPT and one delivered.
void tell_two_messages(ToldEvents& told) {
  told.meta = R"("recipient":["a@b.example"],"message_id":"m1")";
  told.tell("begin", "I Attempting connection to 10.0.0.1:25", "connected");
  told.wait(2000);
  told.tell("S 220 mx.example", "C EHLO me.example", "S 250-mx.example", "S 250 8BITMIME");
  told.tell("obtained", "C MAIL FROM:<c@d.example>", "S 250 2.1.0 ok", "C RCPT TO:<a@b.example>");
  told.tell("S 450-4.2.1 the mailbox", "S 450 4.2.1 is busy");
  told.meta = R"("recipient":["e@b.example"],"message_id":"m2")";
  told.tell("obtained", "C RSET", "S 250 ok", "C MAIL FROM:<c@d.example>", "S 250 2.1.0 ok");
  told.tell("C RCPT TO:<e@b.example>", "S 250 2.1.5 ok", "C DATA", "S 354 go");
  told.tell("C Subject: Words\r\n\r\nFirst line\r\n.", "S 250 2.0.0 queued", "C QUIT", "S 221 bye");
  told.tell("closed");
}

TEST(OutcomeRules, AreOfAnyReplyOfTheSession) {
  ToldEvents told;
  tell_two_messages(told);
  const EventBatch& batch = told.batch();
  EXPECT_TRUE(holds(batch, [](auto& w) { w.codes.add("450"); }));
  EXPECT_TRUE(holds(batch, [](auto& w) { w.codes.add("4.2.*"); }));
  EXPECT_TRUE(holds(batch, [](auto& w) { w.codes.add("550,221"); }));
  EXPECT_FALSE(holds(batch, [](auto& w) { w.codes.add("421,5xx"); }));
  EXPECT_TRUE(holds(batch, [](auto& w) { w.replies.add_text("IS BUSY", Case::Ignored); }));
  EXPECT_TRUE(holds(batch, [](auto& w) { w.replies.add_text("mailbox 4.2.1 is", Case::Ignored); }))
      << "over the lines of a reply";
  EXPECT_FALSE(holds(batch, [](auto& w) { w.replies.add_text("Subject", Case::Ignored); }));
}

TEST(OutcomeRules, AreOfAnyRecipientAndMessage) {
  ToldEvents told;
  tell_two_messages(told);
  const auto came_out = [&](const char* list) {
    return holds(told.batch(), [list](auto& w) { w.outcomes.add(list); });
  };
  EXPECT_TRUE(came_out("deferred"));
  EXPECT_TRUE(came_out("Delivered"));
  EXPECT_TRUE(came_out("bounced,deferred"));
  EXPECT_FALSE(came_out("bounced,unfinished,unknown,mixed,not-connected"));
  EXPECT_TRUE(holds(told.batch(), [](auto& w) { w.outcomes.add_failures(); }));
}

TEST(OutcomeRules, OfASessionThatNeverHadAConnection) {
  ToldEvents failed;
  failed.tell("begin", "I Attempting connection to 10.0.0.1:25", "E connection refused");
  EXPECT_TRUE(holds(failed.batch(), [](auto& w) { w.outcomes.add("not connected"); }));
  EXPECT_TRUE(holds(failed.batch(), [](auto& w) { w.outcomes.add_failures(); }));
  ToldEvents second;
  second.tell("begin", "I Attempting connection to 10.0.0.1:25", "E connection refused");
  second.tell("I Attempting connection to 10.0.0.2:25", "connected", "S 220 mx", "closed");
  EXPECT_FALSE(holds(second.batch(), [](auto& w) { w.outcomes.add("not-connected"); }));
  ToldEvents open;
  open.tell("begin", "I Attempting connection to 10.0.0.1:25");
  EXPECT_FALSE(holds(open.batch(), [](auto& w) { w.outcomes.add("not-connected"); }))
      << "it may still succeed";
}

TEST(OutcomeRules, TimesAreThoseOfAStretchAndOfAllOfIt) {
  ToldEvents told;
  tell_two_messages(told);
  const auto slow = [&](const char* what) {
    return holds(told.batch(), [what](auto& w) { w.slow.push_back(parse_slow_phase(what)); });
  };
  EXPECT_TRUE(slow("banner>1s"));
  EXPECT_TRUE(slow("Banner>1999ms"));
  EXPECT_FALSE(slow("banner>2s")) << "longer, not as long";
  EXPECT_FALSE(slow("ehlo>1s"));
  EXPECT_TRUE(slow("final>0s"));
  EXPECT_TRUE(slow("final reply>0s"));
  const std::int64_t all = told.batch().events.back().received - ToldEvents::kStart;
  for (const std::int64_t more : {0, 1}) {
    const auto least = std::chrono::nanoseconds(all + more);
    EXPECT_EQ(holds(told.batch(), [least](auto& w) { w.least_duration = least; }), more == 0);
  }
}

TEST(OutcomeRules, TlsIsThatOfAConnection) {
  const auto with = [](const char* words, const char* how) {
    ToldEvents told;
    told.tell(
        "begin", "I Attempting connection to 10.0.0.1:25", "connected", "S 220 mx", "C EHLO me");
    told.tell("S 250 STARTTLS", words, "closed");
    return holds(told.batch(), [how](auto& w) { w.tls.push_back(parse_tls_wish(how)); });
  };
  const char* const kNone = "C QUIT";
  const char* const kFailed = "I STARTTLS handshake failed: \"no\"";
  const char* const kDone = "I STARTTLS handshake -> Handshake { protocol_version: \"TLSv1.2\" }";
  EXPECT_TRUE(with(kNone, "none"));
  EXPECT_FALSE(with(kNone, "yes"));
  EXPECT_FALSE(with(kNone, "failed"));
  EXPECT_TRUE(with(kFailed, "failed"));
  EXPECT_FALSE(with(kFailed, "none"));
  EXPECT_FALSE(with(kFailed, "yes"));
  EXPECT_TRUE(with(kDone, "yes"));
  for (const char* const version : {"TLSv1.2", "1.2", "tls1.2", "TLSv1_2", "tlsv1.2"})
    EXPECT_TRUE(with(kDone, version)) << version;
  EXPECT_FALSE(with(kDone, "1.3"));
  EXPECT_FALSE(with(kDone, "none"));
}

TEST(OutcomeRules, AllHaveToHoldTogether) {
  ToldEvents told;
  tell_two_messages(told);
  EXPECT_TRUE(holds(told.batch(), [](auto& w) {
    w.codes.add("450");
    w.outcomes.add("delivered");
    w.lines.add("^RCPT TO:", Case::Heeded, "--grep");
  }));
  EXPECT_FALSE(holds(told.batch(), [](auto& w) {
    w.codes.add("450");
    w.outcomes.add("bounced");
  }));
}

// ---- lines ----

TEST(Lines, AreOfBothSidesAndOfTheLog) {
  ToldEvents told;
  tell_two_messages(told);
  const auto line = [&](const char* pattern) {
    return holds(told.batch(), [&](auto& w) { w.lines.add(pattern, Case::Heeded, "--grep"); });
  };
  const auto any_case = [&](const char* pattern) {
    return holds(told.batch(),
                 [&](auto& w) { w.lines_of_any_case.add(pattern, Case::Ignored, "--igrep"); });
  };
  EXPECT_TRUE(line("^EHLO me\\.example$"));
  EXPECT_TRUE(line("^250-mx"));
  EXPECT_TRUE(line("^Attempting connection to 10\\."));
  EXPECT_TRUE(line("^First line$")) << "of a message, several lines in one event";
  EXPECT_TRUE(line("^$"));
  EXPECT_FALSE(line("^ehlo"));
  EXPECT_TRUE(any_case("^ehlo ME"));
  EXPECT_FALSE(line("Words[^x]*First")) << "not over lines";
  EXPECT_FALSE(line("\\r")) << "the end of a line is not in it";
}

std::string frame_of(const std::string& kind, const std::string& text) {
  std::string out = R"({"conn_meta":{"id":"a"},"payload":{")" + kind + R"(":)";
  append_json_string(out, text);
  return out + R"(},"when":"2026-08-04T21:00:00Z"})";
}

TEST(Lines, AndRepliesAreTheSameHoweverTheyAreCut) {
  const std::string reply = "250-first of it\r\n250 and the last\r\n";
  const std::string command = "MAIL FROM:<a@b.example>\r\n";
  const auto all_match = [&](std::size_t first, std::size_t second) {
    ToldEvents told;
    const auto add = [&told](const char* kind, const std::string& text) {
      if (!text.empty()) told.add_frame(frame_of(kind, text));
    };
    told.tell("begin", "connected", "S 220 mx");
    add("Write", command.substr(0, first));
    add("Write", command.substr(first));
    add("Read", reply.substr(0, second));
    add("Read", reply.substr(second));
    return holds(told.batch(),
                 [](auto& w) { w.lines.add("^MAIL FROM:<a@b\\.example>$", Case::Heeded, ""); }) &&
           holds(told.batch(),
                 [](auto& w) { w.lines.add("^250 and the last$", Case::Heeded, ""); }) &&
           holds(
               told.batch(),
               [](auto& w) { w.lines_of_any_case.add("^250-FIRST OF IT$", Case::Ignored, ""); }) &&
           holds(told.batch(),
                 [](auto& w) { w.replies.add_text("of it and the", Case::Ignored); }) &&
           holds(told.batch(), [](auto& w) { w.codes.add("250"); });
  };
  for (std::size_t first = 0; first <= command.size(); ++first)
    EXPECT_TRUE(all_match(first, first)) << first;
  for (std::size_t second = 0; second <= reply.size(); ++second)
    EXPECT_TRUE(all_match(5, second)) << second;
}

TEST(Lines, DoNotGoOverWhatIsMissing) {
  ToldEvents told;
  told.tell("begin", "connected");
  told.add_frame(frame_of("Read", "250 half"));
  told.add_gap();
  told.add_frame(frame_of("Read", " of it\r\n"));
  told.tell("closed");
  EXPECT_FALSE(holds(told.batch(), [](auto& w) { w.lines.add("half of", Case::Heeded, ""); }));
  EXPECT_TRUE(holds(told.batch(), [](auto& w) { w.lines.add("half", Case::Heeded, ""); }));
  EXPECT_TRUE(holds(told.batch(), [](auto& w) { w.lines.add("^ of it$", Case::Heeded, ""); }));
}

TEST(Lines, DoNotGoFromOneConnectionToTheNext) {
  ToldEvents told;
  told.tell("begin", "connected");
  told.add_frame(frame_of("Read", "220 half"));
  told.tell("closed", "connected", "S  of it", "closed");
  EXPECT_FALSE(holds(told.batch(), [](auto& w) { w.lines.add("half of", Case::Heeded, ""); }));
}

TEST(Lines, OfAnyLengthAreBounded) {
  LineBeginning beginning;
  std::size_t lines = 0;
  std::size_t longest = 0;
  const auto use = [&](std::string_view line) {
    ++lines;
    longest = std::max(longest, line.size());
  };
  const std::string piece(100'000, 'x');
  for (int i = 0; i < 50; ++i)
    beginning.take(piece, use);
  beginning.end(use);
  EXPECT_EQ(lines, 5U);
  EXPECT_EQ(longest, LineBeginning::kMostBytes);
}

TEST(Patterns, WhatIsNoneIsRefusedInWords) {
  LinePatterns patterns;
  for (const std::string pattern : {"(", "", "a**", "\\8"})
    EXPECT_THROW(patterns.add(pattern, Case::Heeded, "--grep"), UsageError) << pattern;
  EXPECT_THROW(patterns.add(std::string(5000, 'a'), Case::Heeded, "--grep"), UsageError);
  EXPECT_TRUE(patterns.empty());
}

TEST(Options, WhatIsNoneIsRefused) {
  for (const char* const slow : {"banner", "banner>", ">5s", "other>1s", "banner>x", "banner=5s"})
    EXPECT_THROW(static_cast<void>(parse_slow_phase(slow)), UsageError) << slow;
  for (const char* const tls : {"", "no", "1.4", "TLS", "tlsv2"})
    EXPECT_THROW(static_cast<void>(parse_tls_wish(tls)), UsageError) << tls;
  for (const char* const outcome : {"", "failed", "delivered,", "defer"})
    EXPECT_THROW(OutcomeSet().add(outcome), UsageError) << outcome;
}

// ---- many sessions ----

TEST(OutcomeChooser, ASessionThatGoesOnIsLookedAtAgain) {
  ToldEvents told;
  told.id = "again";
  told.tell("begin", "connected", "S 220 mx", "closed");
  told.id = "other";
  told.wait(6000);
  told.tell("begin", "connected", "S 554 no", "closed");
  told.id = "again";
  told.wait(6000);
  told.tell("connected", "S 421 no", "closed");
  OutcomeWishes wishes;
  wishes.codes.add("220,554");
  const auto rules = rules_of(wishes);
  const auto chooser = rules->chooser(Complete::WhenSilent);
  chooser->add(told.batch());
  const SessionChooser::Chosen chosen = chooser->finish();
  EXPECT_EQ(chosen.sessions, std::vector<std::string>{"other"});
  EXPECT_EQ(chosen.again, std::vector<std::string>{"again"});
  const auto whole = rules->chooser(Complete::AtTheEnd);
  whole->add(told.batch());
  EXPECT_EQ(whole->finish().sessions, (std::vector<std::string>{"again", "other"}));
}

// ---- rows ----

SessionRow delivered_row() {
  SessionRow row;
  row.opened = row.closed = row.decided = true;
  row.connections = row.messages = row.recipients = row.accepted = 1;
  row.worst_reply = 354;
  row.tls = Tls::Tls12;
  return row;
}

TEST(Rows, ExcludeWhatTheyTell) {
  const auto may = [](const SessionRow& row, const std::function<void(OutcomeWishes&)>& fill) {
    return rules_of(wish(fill))->may_hold(row) != 0;
  };
  SessionRow row = delivered_row();
  const auto failed = [](OutcomeWishes& w) { w.outcomes.add_failures(); };
  const auto code = [](OutcomeWishes& w) { w.codes.add("421"); };
  const auto none = [](OutcomeWishes& w) { w.tls.push_back(parse_tls_wish("none")); };
  EXPECT_FALSE(may(row, failed));
  EXPECT_FALSE(may(row, code));
  EXPECT_FALSE(may(row, none));
  EXPECT_TRUE(may(row, [](auto& w) { w.outcomes.add("delivered"); }));
  EXPECT_TRUE(may(row, [](auto& w) { w.replies.add_text("x", Case::Ignored); }));
  row.decided = false;
  EXPECT_TRUE(may(row, failed) && may(row, code));
  row = delivered_row();
  row.worst_reply = 450;
  EXPECT_TRUE(may(row, failed) && may(row, code));
  row = delivered_row();
  row.messages = 2;
  EXPECT_TRUE(may(row, failed)) << "one of them may be unfinished";
  row = delivered_row();
  row.closed = false;
  EXPECT_FALSE(may(row, failed) || may(row, none)) << "nothing is unfinished";
  row.opened = false;
  EXPECT_TRUE(may(row, failed) && may(row, none)) << "it began elsewhere";
  row = delivered_row();
  row.connections = 2;
  EXPECT_TRUE(may(row, none)) << "the row tells of the last";
}

// ---- what there is instead ----

TEST(WhatCameOut, TellsOfEachThingThatNothingHolds) {
  ToldEvents told;
  tell_two_messages(told);
  const auto tell = [&](const std::function<void(OutcomeWishes&)>& fill) {
    WhatCameOut came_out(rules_of(wish(fill)));
    came_out.add(told.batch());
    std::string all;
    for (const std::string& line : came_out.tell())
      all += line + "\n";
    return all;
  };
  EXPECT_EQ(tell([](auto& w) { w.codes.add("421"); }),
            "--code: no reply had it; there were 220, 221, 250, 250 2.0.0, 250 2.1.0, 250 2.1.5, "
            "354, 450 4.2.1\n");
  EXPECT_EQ(tell([](auto& w) { w.outcomes.add("bounced"); }),
            "--outcome: nothing came out so; there were deferred, delivered\n");
  EXPECT_EQ(tell([](auto& w) { w.slow.push_back(parse_slow_phase("banner>5s")); }),
            "--slow: nothing took so long; the longest took: banner 2000ms\n");
  EXPECT_EQ(tell([](auto& w) { w.tls.push_back(parse_tls_wish("yes")); }),
            "--tls: no connection was so; there were: none\n");
  EXPECT_EQ(tell([](auto& w) {
              w.codes.add("421");
              w.lines.add("nowhere", Case::Heeded, "--grep");
              w.outcomes.add("deferred");
            }),
            "--code: no reply had it; there were 220, 221, 250, 250 2.0.0, 250 2.1.0, 250 2.1.5, "
            "354, 450 4.2.1\n--grep: no line matches\n");
}

}  // namespace
}  // namespace smtptape
