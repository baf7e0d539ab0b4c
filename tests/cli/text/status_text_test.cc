#include "cli/text/status_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/capture/watch/example_status.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using testing::example_status;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

TEST(StatusText, ShowsARecorderThatDoesWell) {
  EXPECT_EQ(
      status_text(example_status()),
      "smtptape 1.2.3, running since 2025-11-24T16:00:00.000Z (12 h ago)\n"
      "  store       10.0 MiB in /var/lib/smtptape, 100.0 MiB free, oldest event "
      "2025-11-13T02:13:20.000Z (12.1 days ago)\n"
      "  writes      99 % within 5 ms, mean 4 ms\n"
      "  syncs       99 % within 1 s, mean 300 ms\n"
      "  deleted     max-age 555 bytes\n"
      "mta1: connected to 127.0.0.1:8000 since 2025-11-25T03:06:40.250Z (53.3 min ago)\n"
      "  rate        12.5 events a second, 12 open sessions\n"
      "  ledger      1200 received = 1000 stored + 150 not selected + 50 lost (queue full: 40, "
      "oversize frame: 10); never received: server lag: 77, disconnected: 4 times, nobody "
      "knows how many\n"
      "  last event  2025-11-25T03:59:59.500Z (500 ms ago)\n"
      "  delay       more than 1 % over 10 min, mean 3.89 min\n"
      "  queue       4.0 KiB of 64.0 MiB, the oldest waits for 1.5 s\n"
      "  tape        mta1-00000007-20251125T030000Z.tape, 1.0 MiB\n"
      "  disk        takes what comes; 5 errors so far\n"
      "  reconnects  refused 3, reset 1\n"
      "  last error  connecting to 127.0.0.1:8000: Connection refused, 2025-11-25T03:06:39.000Z "
      "(53.4 min ago)\n");
}

TEST(StatusText, TroubleIsLoud) {
  const std::string text = status_text(testing::troubled_status());
  EXPECT_THAT(text, HasSubstr("(12 h ago), NOT READY\n"));
  EXPECT_THAT(text, HasSubstr("\nmta2: NOT CONNECTED to 127.0.0.1:8000 since "));
  EXPECT_THAT(text, HasSubstr("  disk        NOT WRITING: No space left on device"));
  // What came from outside does not speak to the terminal.
  EXPECT_THAT(text, HasSubstr("10.0.0.2:8000:\\nno route"));
}

// A source is called as its file names say, and a recorder may be anybody's.
TEST(StatusText, NothingInItSpeaksToTheTerminal) {
  const std::string hostile = "\x1b[2J\x7f\u009b1m\r\n";
  RecorderStatus status = testing::troubled_status();
  status.version = "v" + hostile;
  status.store = "s" + hostile;
  status.pruned = {{"p" + hostile, 1}};
  for (SourceStatus& source : status.sources) {
    source.name = "n" + hostile;
    source.endpoint = "e" + hostile;
    source.last_error = "l" + hostile;
    source.disk_trouble = "d" + hostile;
    source.tape = "t" + hostile;
    source.reconnects = {{"r" + hostile, 1}};
  }
  const std::string text = status_text(status);
  for (const char* const control : {"\x1b", "\x7f", "\u009b", "\r"})
    EXPECT_THAT(text, Not(HasSubstr(control)));
  for (const char* const what : {"v", "s", "p", "n", "e", "l", "d", "t", "r"})
    EXPECT_THAT(text, HasSubstr(std::string(what) + "\\u{1b}[2J\\u{7f}\\u{9b}1m\\r\\n")) << what;
}

TEST(StatusText, OfSeveralSourcesThereAreTotals) {
  RecorderStatus status = testing::troubled_status();
  status.store_tapes = 7;
  const std::string text = status_text(status);
  EXPECT_THAT(text, HasSubstr("  store       7 tapes, 10.0 MiB in /var/lib/smtptape, "));
  EXPECT_THAT(text,
              HasSubstr("  all sources 3600 received = 3000 stored + 450 not selected + 150 lost "
                        "(queue full: 120, oversize frame: 30); never received: server lag: 231"));
  EXPECT_THAT(status_text(example_status()), Not(HasSubstr("all sources")));
}

TEST(StatusText, SaysWhyARecorderIsNotReady) {
  EXPECT_THAT(not_ready(example_status()), IsEmpty());
  EXPECT_THAT(not_ready(testing::troubled_status()),
              ElementsAre(StartsWith("mta2: not connected (connecting to "),
                          "mta3: not writing (No space left on device)"));
}

TEST(StatusText, OfAFreshRecorderThereIsNotMuch) {
  RecorderStatus status;
  status.version = "smtptape 1.2.3";
  status.sources.emplace_back().name = "mta1";
  const std::string text = status_text(status);
  EXPECT_THAT(text, HasSubstr("  delay       none yet\n"));
  EXPECT_THAT(text, HasSubstr("  tape        none\n"));
  EXPECT_THAT(text, HasSubstr("  last event  none yet\n"));
  EXPECT_THAT(text, Not(HasSubstr("last error")));
}

TEST(StatusText, TimesAreShort) {
  EXPECT_EQ(show_seconds(0.0005), "0.5 ms");
  EXPECT_EQ(show_seconds(0.9999), "1000 ms");
  EXPECT_EQ(show_seconds(1), "1 s");
  EXPECT_EQ(show_seconds(119), "119 s");
  EXPECT_EQ(show_seconds(600), "10 min");
  EXPECT_EQ(show_seconds(86'400), "24 h");
  EXPECT_EQ(show_seconds(10 * 86'400.0), "10 days");
}

}  // namespace
}  // namespace smtptape
