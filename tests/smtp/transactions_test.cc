// Which replies decide a message, and when that can't be known.
#include "smtp/transactions.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "smtp/tls_handshake.h"

namespace smtptape {
namespace {

// "C text" is written, "S text" read, a lone word an event; CRLF is added to each.
SmtpTransactions after(const std::vector<std::string_view>& dialogue) {
  SmtpTransactions smtp;
  for (const std::string_view line : dialogue) {
    const std::string text =
        std::string(line.substr(std::min<std::size_t>(2, line.size()))) + "\r\n";
    if (line == "connected") {
      smtp.connected();
    } else if (line == "closed") {
      smtp.closed();
    } else if (line == "obtained") {
      smtp.message_obtained();
    } else if (line == "midway") {
      smtp.begin_midway();
    } else if (line.starts_with('C')) {
      smtp.write(text, text.size());
    } else {
      smtp.read(text);
    }
  }
  return smtp;
}

std::string told(const SmtpTransactions& smtp) {
  const SmtpTransactions::Counts& counts = smtp.counts();
  std::string out = std::to_string(counts.recipients) + " to, " + std::to_string(counts.accepted) +
                    "/" + std::to_string(counts.deferred) + "/" + std::to_string(counts.refused) +
                    " last " + std::to_string(counts.last) + " worst " +
                    std::to_string(counts.worst);
  if (smtp.unsure()) out += " unsure";
  if (!smtp.at_rest()) out += " busy";
  return out;
}

TEST(SmtpTransactions, AMessageIsDecidedByTheReplyToItsEnd) {
  EXPECT_EQ(told(after({"connected",
                        "S 220 hi",
                        "C EHLO me",
                        "S 250-x\r\n250 y",
                        "obtained",
                        "C MAIL FROM:<a>",
                        "S 250 ok",
                        "C RCPT TO:<b>",
                        "S 250 ok",
                        "C RCPT TO:<c>",
                        "S 550 no",
                        "C DATA",
                        "S 354 go",
                        "C Subject: x\r\n\r\nDATA",
                        "C .",
                        "S 451 later",
                        "C QUIT",
                        "S 221 bye",
                        "closed"})),
            "2 to, 0/1/0 last 221 worst 550");
}

TEST(SmtpTransactions, PipelinedCommandsMeetTheirRepliesInOrder) {
  EXPECT_EQ(told(after({"connected",
                        "S 220 hi",
                        "C RSET\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA",
                        "S 250 ok\r\n250 ok\r\n250 ok\r\n354 go",
                        "C x\r\n.",
                        "C MAIL FROM:<a>",
                        "S 250 taken\r\n250 ok"})),
            "1 to, 1/0/0 last 250 worst 354 busy");
}

TEST(SmtpTransactions, ARefusalBeforeTheDataDecides) {
  EXPECT_EQ(
      told(after(
          {"C MAIL FROM:<a>", "S 550 no", "C RCPT TO:<b>", "S 503 what", "C DATA", "S 503 what"})),
      "1 to, 0/0/1 last 503 worst 550 unsure");
  EXPECT_EQ(told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA", "S 550 no\r\n503 no\r\n503 no"})),
            "1 to, 0/0/1 last 503 worst 550");
  EXPECT_EQ(
      told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA", "S 250 ok\r\n450 later\r\n503 no"})),
      "1 to, 0/1/0 last 503 worst 503");
  EXPECT_EQ(told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA", "S 250 ok\r\n250 ok\r\n554 no"})),
            "1 to, 0/0/1 last 554 worst 554");
  EXPECT_EQ(
      told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>", "S 250 ok\r\n550 no", "C RSET", "S 250 ok"})),
      "1 to, 0/0/1 last 250 worst 550");
  EXPECT_EQ(told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>", "S 250 ok\r\n550 no", "closed"})),
            "1 to, 0/0/1 last 550 worst 550");
  EXPECT_EQ(told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>", "S 250 ok\r\n250 ok", "S 421 bye"})),
            "1 to, 0/1/0 last 421 worst 421");
  EXPECT_EQ(
      told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>", "S 250 ok\r\n250 ok", "C RSET", "S 250 k"})),
      "1 to, 0/0/0 last 250 worst 250");
}

// What became of recipients, beside what became of messages.
std::string outcomes(const std::vector<std::string_view>& dialogue) {
  const SmtpTransactions smtp = after(dialogue);
  const SmtpTransactions::Counts& counts = smtp.counts();
  return std::to_string(counts.delivered) + "/" + std::to_string(counts.put_off) + "/" +
         std::to_string(counts.bounced) + " of " + std::to_string(counts.recipients) + ", " +
         std::to_string(counts.accepted) + "/" + std::to_string(counts.deferred) + "/" +
         std::to_string(counts.refused) + (smtp.unsure() ? " unsure" : "");
}

TEST(SmtpTransactions, RecipientsAreDecidedByTheirOwnReplyOrTheMessages) {
  constexpr std::string_view kThree =
      "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nRCPT TO:<d>\r\nDATA";
  EXPECT_EQ(outcomes({kThree,
                      "S 250 ok\r\n250 ok\r\n451 later\r\n550 no\r\n354 go",
                      "C x\r\n.",
                      "S 250 taken"}),
            "1/1/1 of 3, 1/0/0");
  EXPECT_EQ(
      outcomes(
          {kThree, "S 250 ok\r\n250 ok\r\n250 ok\r\n550 no\r\n354 go", "C x\r\n.", "S 552 big"}),
      "0/0/3 of 3, 0/0/1");
  EXPECT_EQ(outcomes({kThree, "S 250 ok\r\n250 ok\r\n250 ok\r\n550 no\r\n451 later"}),
            "0/2/1 of 3, 0/1/0");
  EXPECT_EQ(outcomes({kThree, "S 451 who\r\n503 no\r\n503 no\r\n503 no\r\n503 no"}),
            "0/3/0 of 3, 0/1/0")
      << "the sender was refused";
  EXPECT_EQ(outcomes({kThree, "S 250 ok\r\n250 ok\r\n550 no\r\n250 ok", "S 421 bye"}),
            "0/2/1 of 3, 0/1/0");
  EXPECT_EQ(outcomes({kThree, "S 250 ok\r\n250 ok\r\n421 bye"}), "0/1/0 of 3, 0/1/0")
      << "of the first nothing is said";
  EXPECT_EQ(outcomes({kThree, "S 250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go", "closed"}),
            "0/0/0 of 3, 0/0/0");
  EXPECT_EQ(outcomes({"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>",
                      "S 250 ok\r\n250 ok\r\n250 ok",
                      "C BDAT 3 LAST\r\nabc",
                      "S 451 later"}),
            "0/2/0 of 2, 0/1/0");
}

TEST(SmtpTransactions, WhatIsSentForNobodyDecidesNothing) {
  const std::vector<std::string_view> sent = {
      "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA",
      "S 250 ok\r\n550 no\r\n451 later\r\n354 go"};
  const auto then = [&sent](const std::vector<std::string_view>& rest) {
    std::vector<std::string_view> all = sent;
    all.insert(all.end(), rest.begin(), rest.end());
    return outcomes(all);
  };
  EXPECT_EQ(then({"C x\r\n.", "S 554 no recipients"}), "0/1/1 of 2, 0/1/0");
  EXPECT_EQ(then({"C x\r\n.", "S 250 fine"}), "0/1/1 of 2, 0/1/0");
  EXPECT_EQ(then({"closed"}), "0/1/1 of 2, 0/1/0");
  EXPECT_EQ(then({"C x\r\n.",
                  "S 250 fine",
                  "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA",
                  "S 250 ok\r\n250 ok\r\n354 go",
                  "C x\r\n.",
                  "S 250 taken"}),
            "1/1/1 of 3, 1/1/0")
      << "the next message counts";
}

TEST(SmtpTransactions, OverLmtpEachRecipientHasAReply) {
  EXPECT_EQ(outcomes({"connected",
                      "S 220 hi",
                      "C LHLO me",
                      "S 250 x",
                      "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nRCPT TO:<d>\r\nDATA",
                      "S 250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go",
                      "C x\r\n.",
                      "S 250 taken\r\n451 full"}),
            "1/1/1 of 3, 1/1/0");
}

TEST(SmtpTransactions, ChunksAreCountedAndNotRead) {
  EXPECT_EQ(told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>",
                        "S 250 ok\r\n250 ok",
                        "C BDAT 13\r\nRCPT TO:<x>",
                        "S 250 ok",
                        "C BDAT 0 LAST",
                        "S 552 big"})),
            "1 to, 0/0/1 last 552 worst 552");
  EXPECT_EQ(told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>",
                        "S 250 ok\r\n250 ok",
                        "C BDAT 13 LAST\r\nRCPT TO:<x>",
                        "S 250 ok"})),
            "1 to, 1/0/0 last 250 worst 250");
}

TEST(SmtpTransactions, AMessageThatIsSentOnceMoreMakesItUnsure) {
  const auto is_sure = [](const std::vector<std::string_view>& dialogue) {
    return !after(dialogue).unsure();
  };
  EXPECT_TRUE(is_sure(
      {"connected", "S 220 hi", "obtained", "closed", "connected", "S 220 hi", "C MAIL FROM:<a>"}));
  EXPECT_TRUE(is_sure({"connected", "S 220 hi", "obtained", "C MAIL FROM:<a>", "closed"}));
  EXPECT_TRUE(is_sure({"connected",
                       "S 220 hi",
                       "obtained",
                       "C MAIL FROM:<a>",
                       "closed",
                       "connected",
                       "S 220 hi",
                       "obtained",
                       "C MAIL x"}));
  EXPECT_FALSE(is_sure({"connected",
                        "S 220 hi",
                        "obtained",
                        "C MAIL FROM:<a>",
                        "closed",
                        "connected",
                        "S 220 hi",
                        "C MAIL x"}));
}

// What was obtained before is not known.
TEST(SmtpTransactions, AMessageOfANewConnectionMayBeSentOnceMore) {
  EXPECT_TRUE(after({"midway", "connected", "S 220 hi", "C MAIL FROM:<a>"}).unsure());
  EXPECT_FALSE(after({"midway", "connected", "S 220 hi", "obtained", "C MAIL FROM:<a>"}).unsure());
  EXPECT_FALSE(after({"midway", "C MAIL FROM:<a>"}).unsure());
}

TEST(SmtpTransactions, OverLmtpEachRecipientIsDecidedByItsReply) {
  EXPECT_EQ(told(after({"C LHLO me",
                        "S 250 ok",
                        "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA",
                        "S 250 ok\r\n250 ok\r\n250 ok\r\n354 go",
                        "C x\r\n.",
                        "S 250 ok\r\n452 full"})),
            "2 to, 1/1/0 last 452 worst 452");
}

TEST(SmtpTransactions, AuthAnswersAreNoCommands) {
  EXPECT_EQ(told(after({"C AUTH LOGIN",
                        "S 334 VXNlcm5hbWU6",
                        "C UkNQVA==",
                        "S 334 x",
                        "C RCPT TO:<b>",
                        "S 235 ok",
                        "C MAIL FROM:<a>",
                        "S 250 ok"})),
            "0 to, 0/0/0 last 250 worst 334 busy");
}

TEST(SmtpTransactions, WhatWasNotSeenBeginMakesItUnsure) {
  EXPECT_EQ(told(after({"midway", "S 250 ok"})), "0 to, 0/0/0 last 250 worst 250 unsure");
  EXPECT_EQ(told(after({"midway", "C x\r\nRCPT TO:<not a command>\r\n."})),
            "0 to, 0/0/0 last 0 worst 0 unsure");
  EXPECT_EQ(told(after({"midway", "C DATA", "S 550 no"})), "0 to, 0/0/0 last 550 worst 550 unsure");
  EXPECT_EQ(told(after({"midway", "C DATA", "S 354 go", "C x\r\n.", "S 250 ok"})),
            "0 to, 1/0/0 last 250 worst 354");
  EXPECT_EQ(told(after({"midway", "obtained", "C MAIL FROM:<a>", "S 550 no"})),
            "0 to, 0/0/1 last 550 worst 550 unsure");
}

// What the replies that decide messages don't say of the recipients.
TEST(SmtpTransactions, WhereRecipientsAreNotToldByMessagesItIsUnsure) {
  EXPECT_EQ(told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA",
                        "S 250 ok\r\n550 no\r\n354 go",
                        "C x\r\n.",
                        "S 451 later"})),
            "1 to, 0/0/1 last 451 worst 550");
  EXPECT_EQ(told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 3 LAST\r\nx",
                        "S 250 ok\r\n450 no\r\n554 none"})),
            "1 to, 0/1/0 last 554 worst 554");
  const std::string lmtp = "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA";
  EXPECT_EQ(told(after({"C LHLO me", "S 250 ok", lmtp, "closed"})),
            "2 to, 0/0/0 last 250 worst 250 unsure");
  EXPECT_EQ(told(after({"C LHLO me",
                        "S 250 ok",
                        lmtp,
                        "S 250 ok\r\n250 ok\r\n250 ok\r\n354 go",
                        "C x\r\n.",
                        "S 250 ok",
                        "closed"})),
            "2 to, 1/0/0 last 250 worst 354 unsure");
}

TEST(SmtpTransactions, TheEndOfAReplyThatBeganBeforeMakesItUnsure) {
  EXPECT_EQ(told(after({"midway", "S 0 ok"})), "0 to, 0/0/0 last 0 worst 0 unsure");
}

TEST(SmtpTransactions, AnyBytesWillDo) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    SmtpTransactions smtp;
    if (random() % 2 == 0) smtp.begin_midway();
    for (int i = 0; i < 50; ++i) {
      std::string text;
      for (std::size_t n = random() % 20; n > 0; --n)
        text += "MRDB\r\n.2354 -AL"[random() % 15];
      if (random() % 3 == 0) text = "BDAT 99999999999999999999\r\n";
      if (random() % 3 == 0) text = "DATA\r\n";
      switch (random() % 6) {
        case 0: smtp.connected(); break;
        case 1: smtp.closed(); break;
        case 2: smtp.abbreviated_write(text, random() % 100); break;
        case 3: smtp.write(text, text.size() + random() % 3); break;
        case 4: smtp.message_obtained(); break;
        default: smtp.read(text);
      }
    }
    smtp.closed();
    EXPECT_TRUE(smtp.at_rest());
    EXPECT_LE(smtp.counts().worst, 599);
  }
}

TEST(SmtpTransactions, RepliesInPiecesAndOddBytes) {
  SmtpTransactions smtp;
  smtp.connected();
  for (const char c : std::string_view("220-a\r\n\xff\xfe\r\n22\r\n220"))
    smtp.read({&c, 1});
  EXPECT_FALSE(smtp.at_rest());
  smtp.read("\r\n");
  EXPECT_EQ(told(smtp), "0 to, 0/0/0 last 220 worst 220");
  smtp.write("RCPT", 4);
  smtp.write(" TO:<" + std::string(5000, 'x'), 5005);
  EXPECT_FALSE(smtp.at_rest());
  smtp.write(">\r\n", 3);
  smtp.read("250 ok\r\n");
  EXPECT_EQ(told(smtp), "1 to, 0/0/0 last 250 worst 250");
}

TEST(SmtpTransactions, WhatWasLeftOutMattersWhereItMayBeACommand) {
  SmtpTransactions body =
      after({"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA", "S 250 k\r\n250 k\r\n354 go"});
  body.write("Subject", 5000);
  body.abbreviated_write("", 5);
  body.read("250 ok\r\n");
  EXPECT_EQ(told(body), "1 to, 1/0/0 last 250 worst 354");
  SmtpTransactions command;
  command.write("RCPT", 20);
  EXPECT_TRUE(command.unsure());
}

// A recording without messages: the reply that would be too early is the one that counts.
TEST(SmtpTransactions, AMessageThatIsNotThereIsDecidedByTheReplyToIt) {
  EXPECT_EQ(told(after({"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA",
                        "S 250 k\r\n250 k\r\n354 go",
                        "S 451 later",
                        "obtained",
                        "C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA",
                        "S 250 k\r\n250 k\r\n354 go",
                        "S 250 queued",
                        "C QUIT",
                        "S 221 bye",
                        "closed"})),
            "2 to, 1/1/0 last 221 worst 451");
}

TEST(SmtpTransactions, AReplyBeforeAMessageThatComesMakesItUnsure) {
  const std::vector<std::string_view> early{"C MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA",
                                            "S 250 k\r\n250 k\r\n354 go",
                                            "S 554 no",
                                            "C Subject: x\r\n\r\nQUIT\r\n."};
  EXPECT_EQ(told(after(early)), "1 to, 0/0/1 last 554 worst 554 unsure");
  std::vector<std::string_view> two(early.begin(), early.end() - 1);
  two.push_back("S 250 and another");
  EXPECT_EQ(told(after(two)), "1 to, 0/0/1 last 250 worst 554 unsure");
}

TEST(SmtpTransactions, MoreThanIsRememberedMakesItUnsure) {
  SmtpTransactions many;
  for (int i = 0; i < 1000; ++i)
    many.write("RCPT TO:<a>\r\n", 13);
  for (int i = 0; i < 1000; ++i)
    many.read("250 ok\r\n");
  EXPECT_EQ(told(many), "1000 to, 0/0/0 last 250 worst 250");
  for (int i = 0; i < 10; ++i)
    many.write("NOOP\r\nRSET\r\n", 12);
  EXPECT_TRUE(many.unsure());
}

TEST(TlsHandshake, KumoMtasWordsAreRead) {
  EXPECT_EQ(tls_of_diagnostic("STARTTLS handshake -> TlsInformation { cipher: \"x\", "
                              "protocol_version: \"TLSv1_3\", subject_name: [] }"),
            Tls::Tls13);
  EXPECT_EQ(
      tls_of_diagnostic("STARTTLS handshake -> TlsInformation { protocol_version: \"TLSv1.2\""),
      Tls::Tls12);
  EXPECT_EQ(tls_of_diagnostic("STARTTLS handshake -> TlsInformation {"), Tls::Unknown);
  EXPECT_EQ(tls_of_diagnostic("STARTTLS handshake -> TlsInformation { protocol_version: \"X\""),
            Tls::Unknown);
  EXPECT_EQ(tls_of_diagnostic("STARTTLS handshake failed: \"no\""), Tls::Failed);
  EXPECT_EQ(tls_of_diagnostic("TLS: TlsInformation { protocol_version: \"TLSv1_3\""), std::nullopt);
}

}  // namespace
}  // namespace smtptape
