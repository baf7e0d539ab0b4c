// Which reply answers which command, and when that can't be known.
#include "smtp/exchanges.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

using Lines = std::vector<std::string>;

std::string name_of(SmtpStep step) {
  switch (step) {
    case SmtpStep::Banner: return "banner";
    case SmtpStep::Hello: return "hello";
    case SmtpStep::StartTls: return "starttls";
    case SmtpStep::Auth: return "auth";
    case SmtpStep::Answer: return "answer";
    case SmtpStep::Mail: return "mail";
    case SmtpStep::Rcpt: return "rcpt";
    case SmtpStep::Data: return "data";
    case SmtpStep::Chunk: return "chunk";
    case SmtpStep::LastChunk: return "last chunk";
    case SmtpStep::Message: return "message";
    case SmtpStep::Reset: return "reset";
    case SmtpStep::Quit: return "quit";
    case SmtpStep::Other: return "other";
  }
  return "?";
}

std::string told(const SmtpExchange& exchange) {
  std::string out;
  switch (exchange.kind) {
    case SmtpExchange::Kind::Command: out = name_of(exchange.step); break;
    case SmtpExchange::Kind::Unasked: out = "unasked"; break;
    case SmtpExchange::Kind::Unpaired: out = "unpaired"; break;
    case SmtpExchange::Kind::NotSmtp: out = "not smtp"; break;
    case SmtpExchange::Kind::Unclear: out = "unclear"; break;
  }
  if (!exchange.command.empty()) out += " [" + exchange.command + "]";
  const bool data = exchange.step == SmtpStep::Message || exchange.step == SmtpStep::Chunk ||
                    exchange.step == SmtpStep::LastChunk;
  if (data) out += " " + std::to_string(exchange.bytes);
  if (exchange.early) out += " early";
  if (exchange.reply.mixed) out += " mixed";
  if (exchange.reply.cut || exchange.cut) out += " cut";
  const bool asked = exchange.kind == SmtpExchange::Kind::Command;
  if (asked && exchange.answer == SmtpExchange::Answer::None) out += " none";
  if (asked && exchange.answer == SmtpExchange::Answer::Unknown) out += " unknown";
  if (!exchange.reply.text.empty()) out += " -> " + exchange.reply.text;
  return out;
}

// What happens in a dialogue: "C text" is sent, "S text" comes, CRLF behind both; other words are
// events.
struct Happening {
  char what;
  std::string text;
};

std::vector<Happening> happenings(const Lines& dialogue) {
  std::vector<Happening> all;
  for (const std::string& line : dialogue) {
    if (line.starts_with("C ") || line.starts_with("S ")) {
      all.push_back({line[0], line.substr(2) + "\r\n"});
    } else {
      all.push_back({' ', line});
    }
  }
  return all;
}

void happen(SmtpExchanges& smtp, char what, std::string_view text, SmtpMark at) {
  if (what == 'C') return smtp.write(text, text.size(), at);
  if (what == 'S') return smtp.read(text, at);
  if (text == "connected") smtp.connected(at);
  if (text == "closed") smtp.closed(at);
  if (text == "obtained") smtp.message_obtained(at);
  if (text == "midway") smtp.begin_midway();
  if (text == "lost") smtp.lost_track();
}

Lines take(SmtpExchanges& smtp) {
  Lines all;
  for (const SmtpExchange& exchange : smtp.take())
    all.push_back(told(exchange));
  return all;
}

Lines exchanges_of(const Lines& dialogue) {
  SmtpExchanges smtp;
  SmtpMark at = 0;
  for (const Happening& each : happenings(dialogue))
    happen(smtp, each.what, each.text, ++at);
  Lines all = take(smtp);
  for (const SmtpExchange& waiting : smtp.waiting())
    all.push_back("waiting: " + told(waiting));
  return all;
}

TEST(SmtpExchanges, AWholeDialogue) {
  EXPECT_EQ(exchanges_of({"connected",
                          "S 220 hi",
                          "C EHLO me",
                          "S 250-x\r\n250 PIPELINING",
                          "obtained",
                          "C MAIL FROM:<a>",
                          "C RCPT TO:<b>",
                          "C RCPT TO:<c>",
                          "C DATA",
                          "S 250 2.1.0 ok\r\n250 2.1.5 ok",
                          "S 550-5.1.1 no\r\n550 5.1.1 such\r\n354 go",
                          "C Subject: x\r\n\r\nDATA",
                          "C .",
                          "S 250 queued",
                          "C QUIT",
                          "S 221 bye",
                          "closed"}),
            (Lines{"banner -> 220 hi",
                   "hello [EHLO me] -> 250-x\n250 PIPELINING",
                   "mail [MAIL FROM:<a>] -> 250 2.1.0 ok",
                   "rcpt [RCPT TO:<b>] -> 250 2.1.5 ok",
                   "rcpt [RCPT TO:<c>] -> 550-5.1.1 no\n550 5.1.1 such",
                   "data [DATA] -> 354 go",
                   "message 20 -> 250 queued",
                   "quit [QUIT] -> 221 bye"}));
}

// KumoMTA doubles a dot behind any line end.
TEST(SmtpExchanges, AMessageEndsBehindAnyLineEnd) {
  for (const std::string message : {"x\n\n.", "x\r\n\n.", "x\r\n..\n\n."}) {
    EXPECT_EQ(exchanges_of({"C DATA", "S 354 go", "C " + message, "S 250 ok"}).back(),
              "message " + std::to_string(message.size() - 1) + " -> 250 ok")
        << message;
  }
}

TEST(SmtpExchanges, MarksAreThoseOfTheLastPiece) {
  SmtpExchanges smtp;
  smtp.connected(1);
  smtp.read("220 h", 2);
  smtp.read("i\r\n", 3);
  smtp.write("MAIL FR", 7, 4);
  smtp.write("OM:<a>\r\nDATA\r\n", 14, 5);
  smtp.read("250 ok\r\n354", 6);
  smtp.read("\r\n", 7);
  smtp.write("x", 1, 8);
  smtp.write("\r\n.\r\n", 5, 9);
  smtp.read("250 ok\r\n", 10);
  const std::vector<SmtpExchange> all = smtp.take();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].sent, 1U);
  EXPECT_EQ(all[0].replied, 3U);
  EXPECT_EQ(all[1].sent, 5U);
  EXPECT_EQ(all[1].replied, 6U);
  EXPECT_EQ(all[2].replied, 7U);
  EXPECT_EQ(all[3].begun, 8U);
  EXPECT_EQ(all[3].sent, 9U);
  EXPECT_EQ(all[3].replied, 10U);
  EXPECT_EQ(all[3].bytes, 3U);
}

TEST(SmtpExchanges, ArgumentsOfAuthAreNotKept) {
  EXPECT_EQ(exchanges_of({"C AUTH PLAIN AGJvYgBzZWNyZXQ=",
                          "S 535 no",
                          "C AUTH LOGIN",
                          "S 334 VXNlcm5hbWU6",
                          "C Ym9i",
                          "S 334 UGFzc3dvcmQ6",
                          "C RCPT TO:<password>",
                          "S 235 ok",
                          "C RCPT TO:<b>",
                          "S 250 ok"}),
            (Lines{"auth [AUTH PLAIN] -> 535 no",
                   "auth [AUTH LOGIN] -> 334 VXNlcm5hbWU6",
                   "answer -> 334 UGFzc3dvcmQ6",
                   "answer -> 235 ok",
                   "rcpt [RCPT TO:<b>] -> 250 ok"}));
  // Sent ahead, or missed the question.
  EXPECT_EQ(exchanges_of({"C AUTH LOGIN\r\nYm9i\r\nc2VjcmV0", "S 334 a\r\n334 b\r\n235 c"}),
            (Lines{"auth [AUTH LOGIN] -> 334 a", "other -> 334 b", "other -> 235 c"}));
}

TEST(SmtpExchanges, ChunksHaveRepliesOfTheirOwn) {
  EXPECT_EQ(exchanges_of({"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 13\r\nRCPT TO:<x>",
                          "S 250 a\r\n250 b\r\n250 c",
                          "C BDAT 0 LAST",
                          "S 552 big"}),
            (Lines{"mail [MAIL FROM:<a>] -> 250 a",
                   "rcpt [RCPT TO:<b>] -> 250 b",
                   "chunk [BDAT 13] 13 -> 250 c",
                   "last chunk [BDAT 0 LAST] 11 -> 552 big"}));
}

TEST(SmtpExchanges, OverLmtpEachRecipientThatWasTakenHasAReply) {
  EXPECT_EQ(exchanges_of({"C LHLO me",
                          "S 250 ok",
                          "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<x>\r\nRCPT TO:<c>\r\nDATA",
                          "S 250 a\r\n250 b\r\n550 x\r\n250 c\r\n354 go",
                          "C x\r\n.",
                          "S 250 for b\r\n452 for c",
                          "C QUIT",
                          "S 221 bye"}),
            (Lines{"hello [LHLO me] -> 250 ok",
                   "mail [MAIL FROM:<a>] -> 250 a",
                   "rcpt [RCPT TO:<b>] -> 250 b",
                   "rcpt [RCPT TO:<x>] -> 550 x",
                   "rcpt [RCPT TO:<c>] -> 250 c",
                   "data [DATA] -> 354 go",
                   "message 3 -> 250 for b",
                   "message 3 -> 452 for c",
                   "quit [QUIT] -> 221 bye"}));
}

TEST(SmtpExchanges, ServersThatSpeakOutOfTurn) {
  EXPECT_EQ(exchanges_of({"connected", "S 220 hi", "S 421 idle", "closed"}),
            (Lines{"banner -> 220 hi", "unasked -> 421 idle"}));
  // It answers what waits first, as KumoMTA takes it.
  EXPECT_EQ(
      exchanges_of({"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA", "S 421 go away", "closed"}),
      (Lines{
          "mail [MAIL FROM:<a>] -> 421 go away", "rcpt [RCPT TO:<b>] none", "data [DATA] none"}));
  // Before the message's end, and the rest of it is no command.
  EXPECT_EQ(exchanges_of({"C DATA", "S 354 go", "C a", "S 552 big", "C QUIT\r\n.", "S 250 x"}),
            (Lines{"data [DATA] -> 354 go", "message 3 early -> 552 big", "unasked -> 250 x"}));
}

TEST(SmtpExchanges, WhatIsNoReply) {
  // Does it stand for a reply, or beside them?
  EXPECT_EQ(exchanges_of({"C MAIL FROM:<a>\r\nRCPT TO:<b>", "S banana split\r\n250 ok"}),
            (Lines{"not smtp -> banana split",
                   "mail [MAIL FROM:<a>] unknown",
                   "rcpt [RCPT TO:<b>] unknown",
                   "unpaired -> 250 ok"}));
  EXPECT_EQ(exchanges_of({"C NOOP", "S 250-a\r\n2500\r\n451 b"}),
            (Lines{"not smtp -> 2500", "other [NOOP] mixed -> 250-a\n451 b"}));
  EXPECT_EQ(exchanges_of({"C MAIL FROM:<a>\r\nRCPT TO:<b>", "S 250 a\n250 b"}),
            (Lines{"mail [MAIL FROM:<a>] -> 250 a\n250 b", "waiting: rcpt [RCPT TO:<b>] unknown"}));
  EXPECT_EQ(exchanges_of({"C NOOP", "S 250-a", "closed"}),
            (Lines{"other [NOOP] cut none -> 250-a"}));
}

TEST(SmtpExchanges, AReplyThatWasCutOffIsNone) {
  SmtpExchanges smtp;
  smtp.connected(1);
  smtp.read("220 hi", 2);
  smtp.closed(3);
  EXPECT_EQ(take(smtp), (Lines{"banner cut none -> 220 hi"}));
  smtp.write("QUIT\r\n", 6, 4);
  smtp.read("221 bye\r\n42", 5);
  smtp.closed(6);
  EXPECT_EQ(take(smtp), (Lines{"quit [QUIT] -> 221 bye", "not smtp -> 42"}));
}

TEST(SmtpExchanges, AfterWhatWasMissedNothingIsPairedUntilItIsCertain) {
  EXPECT_EQ(exchanges_of({"C MAIL FROM:<a>",
                          "lost",
                          "C RCPT TO:<b>\r\nDATA",
                          "S 250 mail, or rcpt\r\n250 x\r\n354 go",
                          "C Subject: x\r\n.",
                          "S 250 queued",
                          "obtained",
                          "C MAIL FROM:<c>",
                          "S 250 ok"}),
            (Lines{"mail [MAIL FROM:<a>] unknown",
                   "rcpt [RCPT TO:<b>] unknown",
                   "data [DATA] unknown",
                   "unpaired -> 250 mail, or rcpt",
                   "unpaired -> 250 x",
                   "unpaired -> 354 go",
                   "message 12 unknown",
                   "unpaired -> 250 queued",
                   "mail [MAIL FROM:<c>] -> 250 ok"}));
  EXPECT_EQ(exchanges_of({"midway", "S 0 ok", "C RSET\r\nNOOP", "S 250 a\r\n250 b"}),
            (Lines{"unpaired -> 0 ok", "reset [RSET] -> 250 a", "other [NOOP] -> 250 b"}));
  EXPECT_EQ(exchanges_of({"midway", "C a\r\nRCPT TO:<not a command>", "C .", "S 250 a"}),
            (Lines{"message 31 unknown", "unpaired -> 250 a"}));
}

// One reply to a message, or one for each recipient?  The client goes on when it has them all.
TEST(SmtpExchanges, WithoutAGreetingTheClientTellsWhetherItIsLmtp) {
  const auto end_of = [](const Lines& more) {
    Lines all{"midway",
              "obtained",
              "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA",
              "S 250 a\r\n250 b\r\n250 c\r\n354 go",
              "C x\r\n."};
    all.insert(all.end(), more.begin(), more.end());
    Lines told = exchanges_of(all);
    told.erase(told.begin(), told.begin() + 4);
    return told;
  };
  EXPECT_EQ(end_of({"S 250 x", "C QUIT"}),
            (Lines{"message 3 -> 250 x", "waiting: quit [QUIT] unknown"}));
  EXPECT_EQ(end_of({"S 250 b\r\n452 c", "obtained"}),
            (Lines{"message 3 -> 250 b", "message 3 -> 452 c"}));
  EXPECT_EQ(end_of({"S 250 x", "closed"}), (Lines{"message 3 unknown", "unpaired -> 250 x"}));
  EXPECT_EQ(end_of({"S 1\r\n250 x\r\n250 y\r\n250 z", "obtained"}).front(), "not smtp -> 1");
  EXPECT_EQ(end_of({"S 250 x\r\n250 y\r\n250 z", "obtained"}).front(), "message 3 unknown");
  EXPECT_EQ(end_of({"obtained"}), (Lines{"message 3 unknown"}));
  EXPECT_EQ(end_of({"S 250 x", "lost"}), (Lines{"message 3 unknown", "unpaired -> 250 x"}));
  EXPECT_EQ(end_of({"closed"}), (Lines{"message 3 none"}));
}

TEST(SmtpExchanges, WhatWasLeftOutMattersWhereItMayBeACommand) {
  SmtpExchanges smtp;
  smtp.write("DATA\r\n", 6, 1);
  smtp.read("354 go\r\n", 2);
  smtp.abbreviated_write("Subject: x", 5000, 3);
  smtp.abbreviated_write("", 5, 4);
  smtp.read("250 ok\r\n", 5);
  EXPECT_EQ(take(smtp), (Lines{"data [DATA] -> 354 go", "message 5002 -> 250 ok"}));
  smtp.write("DATA\r\n", 6, 6);
  smtp.read("354 go\r\n", 7);
  smtp.write("Sub", 5000, 8);
  smtp.write(".\r\n", 3, 9);
  smtp.read("250 ok\r\n", 10);
  EXPECT_EQ(take(smtp), (Lines{"data [DATA] -> 354 go", "message 5000 -> 250 ok"}));
  smtp.write("RCPT", 20, 11);
  smtp.read("250 ok\r\n", 12);
  EXPECT_EQ(take(smtp), (Lines{"unclear 20", "unpaired -> 250 ok"}));
}

TEST(SmtpExchanges, MoreThanIsRememberedIsUnknown) {
  SmtpExchanges smtp;
  for (std::size_t i = 0; i <= SmtpExchanges::kMostWaiting; ++i)
    smtp.write("RCPT TO:<a>\r\n", 13, i);
  EXPECT_EQ(smtp.waiting().size(), 0U);
  EXPECT_EQ(take(smtp).front(), "rcpt [RCPT TO:<a>] unknown");
  std::string flood;
  for (std::size_t i = 0; i < SmtpExchanges::kMostDone + 7; ++i)
    flood += "250\r\n";
  smtp.read(flood, 1);
  EXPECT_EQ(smtp.take().size(), SmtpExchanges::kMostDone);
  EXPECT_EQ(smtp.left_out(), 7U);
  smtp.connected(1);
  EXPECT_EQ(smtp.take().size(), 0U);
  smtp.read("220 " + std::string(SmtpExchanges::kMostReply, 'x') + "\r\n", 2);
  const auto all = smtp.take();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].reply.cut);
  EXPECT_EQ(all[0].reply.text.size(), SmtpExchanges::kMostReply);
}

// ---- however the bytes are split ----

const std::vector<Lines> kDialogues{
    {"connected",
     "S 220-hi\r\n220 the\nre\r",
     "C EHLO me",
     "S 250-x\r\n250 y",
     "C STARTTLS",
     "S 220 go",
     "C EHLO me",
     "S 250 y",
     "C AUTH LOGIN",
     "S 334 x",
     "C RCPT",
     "S 334 x",
     "C MAIL FROM:<password>",
     "S 235 ok",
     "obtained",
     "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA",
     "S 250 ok\r\n250-ok\r\n250 ok\r\n450 later\r\n354 go",
     "C x\r\n..\r\n.y\r\nQUIT\r\n\r\n.",
     "S 250 queued",
     "obtained",
     "C RSET\r\nMAIL FROM:<>\r\nRCPT TO:<d>\r\nDATA",
     "S 250 ok\r\n250 ok\r\n250 ok\r\n354",
     "C .",
     "S 451-a\r\ngarbage\r\n\xff\xfe\r\n452 b\r\n250 unasked\r\nmore garbage",
     "C QUIT",
     "S 221 bye",
     "closed"},
    {"connected",
     "S 220 hi",
     "C LHLO me",
     "S 250 y",
     "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nBDAT 10\r\nDATA\r\n.\r",
     "S 250 ok\r\n250 ok\r\n250 ok\r\n250 chunk",
     "C BDAT 3 LAST\r\na",
     "S 250 for b\r\n452 for c",
     "C QUIT",
     "closed"},
};

TEST(SmtpExchanges, AnySplittingGivesTheSame) {
  for (const Lines& dialogue : kDialogues) {
    const Lines expected = exchanges_of(dialogue);
    EXPECT_GE(expected.size(), 8U);
    const std::vector<Happening> all = happenings(dialogue);
    for (std::size_t which = 0; which < all.size(); ++which) {
      if (all[which].what == ' ') continue;
      for (std::size_t cut = 0; cut <= all[which].text.size(); ++cut) {
        SmtpExchanges smtp;
        for (std::size_t i = 0; i < all.size(); ++i) {
          const std::string_view text = all[i].text;
          const std::size_t first = i == which ? cut : text.size();
          happen(smtp, all[i].what, text.substr(0, first), i);
          if (i == which) happen(smtp, all[i].what, text.substr(first), i);
        }
        ASSERT_EQ(take(smtp), expected) << "at byte " << cut << " of " << all[which].text;
      }
    }
  }
}

TEST(SmtpExchanges, ByteForByteGivesTheSame) {
  for (const Lines& dialogue : kDialogues) {
    SmtpExchanges smtp;
    Lines all;
    for (const Happening& each : happenings(dialogue)) {
      if (each.what == ' ') happen(smtp, each.what, each.text, 0);
      for (std::size_t i = 0; each.what != ' ' && i < each.text.size(); ++i) {
        happen(smtp, each.what, std::string_view(each.text).substr(i, 1), 0);
        for (const std::string& exchange : take(smtp))
          all.push_back(exchange);
      }
    }
    for (const std::string& exchange : take(smtp))
      all.push_back(exchange);
    EXPECT_EQ(all, exchanges_of(dialogue));
  }
}

TEST(SmtpExchanges, AnyBytesWillDo) {
  std::mt19937 random(11);
  const std::vector<std::string> words{"MAIL FROM:<a>\r\n",
                                       "RCPT TO:<a>\r\n",
                                       "DATA\r\n",
                                       "BDAT 7\r\n",
                                       "BDAT 99999999999999999999 LAST\r\n",
                                       ".\r\n",
                                       "LHLO x\r\n",
                                       "AUTH LOGIN\r\n",
                                       "250 a\r\n",
                                       "354 a\r\n",
                                       "334 a\r\n",
                                       "421-",
                                       "\r\n"};
  for (int round = 0; round < 2000; ++round) {
    SmtpExchanges smtp;
    for (std::uint64_t i = 0; i < 60; ++i) {
      std::string text = words[random() % words.size()];
      if (random() % 4 == 0) text.resize(random() % (text.size() + 1));
      switch (random() % 12) {
        case 0: smtp.connected(i); break;
        case 1: smtp.closed(i); break;
        case 2: smtp.abbreviated_write(text, random() % 100, i); break;
        case 3: smtp.message_obtained(i); break;
        case 4: smtp.lost_track(); break;
        case 5: smtp.write(text, text.size() + random() % 3, i); break;
        case 6:
        case 7:
        case 8: smtp.write(text, text.size(), i); break;
        default: smtp.read(text, i);
      }
    }
    smtp.closed(60);
    EXPECT_TRUE(smtp.waiting().empty());
    for (const SmtpExchange& exchange : smtp.take()) {
      const bool replied = exchange.kind == SmtpExchange::Kind::Command &&
                           exchange.answer == SmtpExchange::Answer::Reply;
      if (!replied) continue;
      EXPECT_GE(exchange.reply.code, 1U);
      EXPECT_LE(exchange.sent, exchange.replied);
    }
  }
}

TEST(EnhancedCode, IsThatOfTheFirstLine) {
  EXPECT_EQ(enhanced_code("550 5.1.1 no"), "5.1.1");
  EXPECT_EQ(enhanced_code("421-4.7.28 x\n421 4.7.28 y"), "4.7.28");
  EXPECT_EQ(enhanced_code("250 2.0.0"), "2.0.0");
  for (const char* const none : {"250",
                                 "250 ",
                                 "250 ok",
                                 "250 2.0",
                                 "250 2.0.0x",
                                 "250 3.1.1 a",
                                 "250 2..1 a",
                                 "250 2.1.1000 a",
                                 "250 2.1.1.1 a"}) {
    EXPECT_EQ(enhanced_code(none), "") << none;
  }
}

}  // namespace
}  // namespace smtptape
