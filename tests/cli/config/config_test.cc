// The configuration file: what it gives, every mistake with its line, and the documents about it.
#include "cli/config/config.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "cli/config/config_keys.h"
#include "filters/property.h"
#include "tests/support/golden.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr const char* kFile = "/etc/smtptape/smtptape.toml";

Config good(const std::string& text) {
  auto result = parse_config(text, kFile);
  if (const auto* const mistakes = std::get_if<ConfigMistakes>(&result)) {
    ADD_FAILURE() << text_of(*mistakes, kFile);
    return {};
  }
  return std::get<Config>(result);
}

std::vector<std::string> mistakes_in(const std::string& text) {
  const auto result = parse_config(text, kFile);
  std::vector<std::string> out;
  if (const auto* const mistakes = std::get_if<ConfigMistakes>(&result)) {
    for (const ConfigMistake& mistake : *mistakes)
      out.push_back(std::to_string(mistake.line) + ": " + mistake.text);
  }
  return out;
}

// The mistakes of one line in front of a good source, or in it.
std::vector<std::string> above(const std::string& line) {
  return mistakes_in(line + "\n[[source]]\nname = \"a\"\nendpoint = \"http://mta\"\n");
}
std::vector<std::string> in_source(const std::string& line) {
  return mistakes_in("[[source]]\nname = \"a\"\nendpoint = \"http://mta\"\n" + line + "\n");
}

TEST(Config, GivesEverythingOfTheStore) {
  const StoreSettings store = good(R"(
store = "tapes"
rotate_size = "64M"
rotate_interval = "30m"
rotate_aligned = true
max_bytes = 2000000
max_age = "14d"
max_tapes = 50
keep_free = "20%"
keep_at_least = "2h"
on_full = "delete-oldest"
flush_interval = "500ms"
sync_interval = "2s"
batch_bytes = "128K"
group_bytes = "8M"
queue_bytes = "64M"
max_frame = "32M"
bodies = "headers"
secrets = "mask"
group_readable = true
listen_metrics = "127.0.0.1:9109"
socket = "/run/smtptape/status.sock"
[[source]]
endpoint = "http://mta"
)")
                                  .store;
  EXPECT_EQ(store.store, "/etc/smtptape/tapes") << "relative to the file";
  EXPECT_EQ(store.rotate_size, 64U << 20U);
  EXPECT_EQ(store.rotate_interval, 30min);
  EXPECT_EQ(store.rotate_aligned, true);
  EXPECT_EQ(store.max_bytes, 2'000'000U);
  EXPECT_EQ(store.max_age, 24h * 14);
  EXPECT_EQ(store.max_tapes, 50U);
  EXPECT_EQ(store.keep_free, (KeepFree{0, 20}));
  EXPECT_EQ(store.keep_at_least, 2h);
  EXPECT_EQ(store.on_full, OnFull::DeleteOldest);
  EXPECT_EQ(store.flush_interval, 500ms);
  EXPECT_EQ(store.sync_interval, 2s);
  EXPECT_EQ(store.batch_bytes, 128U << 10U);
  EXPECT_EQ(store.group_bytes, 8U << 20U);
  EXPECT_EQ(store.queue_bytes, 64U << 20U);
  EXPECT_EQ(store.max_frame, 32U << 20U);
  EXPECT_EQ(store.bodies, Bodies::Headers);
  EXPECT_EQ(store.secrets, Secrets::Mask);
  EXPECT_EQ(store.group_readable, true);
  EXPECT_EQ(store.listen_metrics, "127.0.0.1:9109");
  EXPECT_EQ(store.socket, "/run/smtptape/status.sock");
}

const std::string kFingerprint =
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

TEST(Config, GivesEverythingOfASource) {
  const Config config = good(R"(
[[source]]
name = "mta-1"
endpoint = "https://mta-1.example:8443"
tenant = "acme"
rcpt_to = ["a@b.example", ""]
source = "10.0.0.0/8"
terse = true
as_live = false
cacert = "ca.pem"
tls_cert = "../cert.pem"
tls_key = "/k/key.pem"
basic_auth_file = "a:b/auth"
bodies = "none"
secrets = "keep"
[[source]]
name = "mta-2"
endpoint = "https://mta-2:8000"
tls_fingerprint = ")" + kFingerprint +
                             R"("
bearer_token_file = "token"
)");
  ASSERT_EQ(config.sources.size(), 2U);
  const SourceSettings& source = config.sources[0];
  EXPECT_EQ(source.name, "mta-1");
  EXPECT_EQ(source.endpoint, "https://mta-1.example:8443");
  EXPECT_EQ(source.terse, true);
  EXPECT_EQ(source.as_live, false);
  EXPECT_EQ(source.cacert, "/etc/smtptape/ca.pem");
  EXPECT_EQ(source.tls_cert, "/etc/cert.pem");
  EXPECT_EQ(source.tls_key, "/k/key.pem");
  EXPECT_EQ(source.basic_auth_file, "/etc/smtptape/a:b/auth");
  EXPECT_EQ(source.bodies, Bodies::None);
  EXPECT_EQ(source.secrets, Secrets::Keep);
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    const std::string_view flag = kProperties[i].flag;
    if (flag == "--tenant") {
      EXPECT_THAT(source.filters[i], ElementsAre("acme"));
    } else if (flag == "--rcpt-to") {
      EXPECT_THAT(source.filters[i], ElementsAre("a@b.example", ""));
    } else if (flag == "--source") {
      EXPECT_THAT(source.filters[i], ElementsAre("10.0.0.0/8"));
    } else {
      EXPECT_THAT(source.filters[i], IsEmpty()) << flag;
    }
  }
  EXPECT_EQ(config.sources[1].tls_fingerprint, kFingerprint);
  EXPECT_EQ(config.sources[1].bearer_token_file, "/etc/smtptape/token");
  EXPECT_FALSE(config.sources[1].terse) << "not given is not false";
}

TEST(Config, LeavesEmptyWhatIsNotGivenButTheName) {
  const Config config = good("[[source]]\nendpoint = \"http://mta-7.example:8000\"\n");
  EXPECT_FALSE(config.store.store);
  EXPECT_FALSE(config.store.keep_free);
  EXPECT_FALSE(config.store.listen_metrics);
  EXPECT_EQ(config.sources.at(0).name, "mta-7.example");
  EXPECT_EQ(
      good("listen_metrics = \"\"\n[[source]]\nendpoint = \"http://a\"\n").store.listen_metrics, "")
      << "off is not the same as not given";
}

TEST(Config, IsRelativeToWhereItLies) {
  const auto result =
      parse_config("store = \"x\"\n[[source]]\nendpoint = \"http://a\"\n", "here.toml");
  EXPECT_EQ(std::get<Config>(result).store.store, "x");
}

// --- mistakes ---

TEST(ConfigMistakes, AreAllToldAtOnceWithTheirLines) {
  EXPECT_THAT(mistakes_in(R"(max_byte = "1G"
rotate_size = "big"
bodies = "some"

[[source]]
name = "a"
endpoint = "http://mta"
tenants = "acme"

[[source]]
name = "a"
mx_addr = ["10.0.0.1",
           "10.0.0.1/8"]
)"),
              ElementsAre("1: unknown key \"max_byte\"; did you mean max_bytes?",
                          "2: rotate_size: \"big\" is not a size; give 4096, 256K, 64M or 1G",
                          "3: bodies: \"some\" is none of \"full\", \"headers\", \"none\"",
                          "8: unknown key \"tenants\"; did you mean tenant?",
                          "10: endpoint is missing; expected a URL such as "
                          "\"http://127.0.0.1:8000\"",
                          "11: two sources are called \"a\", the other in line 6; give each a name "
                          "of its own",
                          ::testing::StartsWith("13: mx_addr: 10.0.0.1/8 is not a valid CIDR")));
}

TEST(ConfigMistakes, WrongTypesSayWhatIsExpected) {
  EXPECT_THAT(above("store = 5"),
              ElementsAre("1: store: expected a path in quotes, found a number"));
  EXPECT_THAT(above("store = \"\""), ElementsAre("1: store: must not be empty"));
  EXPECT_THAT(
      above("rotate_interval = 3600"),
      ElementsAre("1: rotate_interval: expected a duration such as \"1h\", in quotes, found "
                  "a number"));
  EXPECT_THAT(above("rotate_aligned = \"yes\""),
              ElementsAre("1: rotate_aligned: expected true or false, without quotes, found a "
                          "string"));
  EXPECT_THAT(above("keep_free = true"),
              ElementsAre("1: keep_free: expected a share such as \"10%\", in quotes, or a size, "
                          "found true or false"));
  EXPECT_THAT(above("keep_free = 10"),
              ElementsAre("1: keep_free: \"10\" has no unit; give 10%, or a size such as 10G"));
  EXPECT_THAT(above("max_age = \"14\""),
              ElementsAre("1: max_age: \"14\" has no unit; give 14d, 14h or 14s"));
  EXPECT_THAT(above("max_tapes = 0"), ElementsAre(HasSubstr("1: max_tapes: must be between 1")));
  EXPECT_THAT(above("socket = \"/" + std::string(200, 'x') + "\""),
              ElementsAre(HasSubstr("the path of a socket has at most 107 bytes")));
  EXPECT_THAT(above("max_tapes = 0"), ElementsAre(HasSubstr("0 would keep nothing")));
  EXPECT_THAT(above("max_tapes = 1"),
              ElementsAre("1: max_tapes: 1 is too few for 1 source: of each, one tape is being "
                          "written and one that is sealed stays; give at least 2"));
  EXPECT_THAT(above("max_tapes = 2"), IsEmpty());
  EXPECT_THAT(above("rotate_interval = \"1ms\""),
              ElementsAre("1: rotate_interval: must be at least 1s"));
  EXPECT_THAT(above("rotate_interval = \"1s\""), IsEmpty());
  EXPECT_THAT(above("max_tapes = 1.5"),
              ElementsAre("1: max_tapes: expected a number, found a fraction"));
  EXPECT_THAT(
      above("max_bytes = { a = 1 }"),
      ElementsAre("1: max_bytes: expected a size such as \"256M\", in quotes, or bytes, found "
                  "a table"));
  EXPECT_THAT(in_source("tenant = 5"),
              ElementsAre("4: tenant: expected a string, or a list of strings, found a number"));
  EXPECT_THAT(
      in_source("tenant = [\"a\", true]"),
      ElementsAre("4: tenant: expected a string, or a list of strings, found true or false"));
  EXPECT_THAT(in_source("tenant = []"),
              ElementsAre("4: tenant: the list is empty; leave the key out"));
}

TEST(ConfigMistakes, ValuesOutOfBounds) {
  EXPECT_THAT(above("max_bytes = -1"), ElementsAre("1: max_bytes: must not be negative"));
  EXPECT_THAT(above("batch_bytes = 0"),
              ElementsAre("1: batch_bytes: must be between 1.0 KiB and 64.0 MiB"));
  EXPECT_THAT(above("max_frame = \"512M\""),
              ElementsAre("1: max_frame: must be between 1 and 511.0 MiB"));
  EXPECT_THAT(above("flush_interval = \"0\""),
              ElementsAre("1: flush_interval: must be more than 0"));
  EXPECT_THAT(above("keep_at_least = \"0\""), IsEmpty());
  EXPECT_THAT(above("max_age = \"2y\""),
              ElementsAre("1: max_age: \"2y\" is not a duration; give 90s, 15m, 1h30m or 2d"));
  EXPECT_THAT(above("keep_free = \"101%\""), ElementsAre(HasSubstr("is not a share")));
  for (const char* const wrong : {"9109", ":9109", "127.0.0.1:", "127.0.0.1:99999", "host:port"}) {
    EXPECT_THAT(above(std::string("listen_metrics = \"") + wrong + "\""),
                ElementsAre(HasSubstr("is not HOST:PORT")))
        << wrong;
  }
}

TEST(ConfigMistakes, KeysInTheWrongPlaceAreShownTheirs) {
  EXPECT_THAT(above("tenant = \"acme\""),
              ElementsAre("1: unknown key \"tenant\": it belongs to a source, below a line "
                          "[[source]]"));
  EXPECT_THAT(
      in_source("max_bytes = \"1G\""),
      ElementsAre("4: unknown key \"max_bytes\": it is not a source's, and belongs above the "
                  "first [[source]]"));
  EXPECT_THAT(above("zzzzzzzzz = 1"),
              ElementsAre("1: unknown key \"zzzzzzzzz\"; docs/configuration.md lists them"));
}

TEST(ConfigMistakes, SecretsAreRefusedAndNotShown) {
  EXPECT_THAT(in_source("password = \"hunter2\""),
              ElementsAre("4: unknown key \"password\": secrets don't belong into this file; name "
                          "basic_auth_file, a file that holds USER:PASSWORD"));
  EXPECT_THAT(in_source("bearer_token = \"hunter2\""),
              ElementsAre("4: unknown key \"bearer_token\": secrets don't belong into this file; "
                          "name bearer_token_file, a file that holds the token"));
  EXPECT_THAT(in_source("basic_auth_file = \"joe:hunter2\""),
              ElementsAre("4: basic_auth_file: expected the path of a file, not what it holds"));
  for (const char* const endpoint :
       {"http://joe:hunter2@mta:8000", "https://joe@mta", "joe:p@mta"}) {
    EXPECT_THAT(
        mistakes_in(std::string("[[source]]\nname = \"a\"\nendpoint = \"") + endpoint + "\""),
        ElementsAre("3: endpoint: user and password don't belong into this file; name "
                    "basic_auth_file, a file that holds USER:PASSWORD"));
  }
  EXPECT_THAT(in_source("basic_auth_file = \"a\"\nbearer_token_file = \"b\""),
              ElementsAre("5: basic_auth_file and bearer_token_file can't both be sent; leave one "
                          "out"));
}

TEST(ConfigMistakes, EndpointsAndTls) {
  EXPECT_THAT(mistakes_in("[[source]]\nname = \"a\"\nendpoint = \"mta:x\""),
              ElementsAre(HasSubstr("3: endpoint \"mta:x\": ")));
  EXPECT_THAT(mistakes_in("[[source]]\nname = \"a\"\nendpoint = \"https://\""),
              ElementsAre(HasSubstr("empty host")));
  EXPECT_THAT(
      in_source("cacert = \"x\""),
      ElementsAre("4: cacert: the endpoint speaks no TLS; expected an endpoint of https://"));
  EXPECT_THAT(mistakes_in("[[source]]\nendpoint = \"wss://mta\"\ntls_key = \"x\""),
              ElementsAre("3: tls_key: tls_cert is missing beside it"));
  EXPECT_THAT(mistakes_in("[[source]]\nendpoint = \"wss://mta\"\ntls_cert = \"x\""),
              ElementsAre("3: tls_cert: tls_key is missing beside it"));
  EXPECT_THAT(mistakes_in("[[source]]\nendpoint = \"wss://mta\"\ntls_fingerprint = \"abc\""),
              ElementsAre(HasSubstr("3: tls_fingerprint: \"abc\" is no SHA-256 fingerprint")));
  EXPECT_THAT(mistakes_in("[[source]]\nendpoint = \"wss://mta\"\ncacert = \"x\"\n"
                          "tls_fingerprint = \"" +
                          kFingerprint + "\""),
              ElementsAre(HasSubstr("4: tls_fingerprint: cacert is there, too")));
  EXPECT_THAT(mistakes_in("[[source]]\nname = \"\"\nendpoint = \"http://a\""),
              ElementsAre("2: name: must not be empty"));
  EXPECT_THAT(
      mistakes_in("[[source]]\nname = \"" + std::string(300, 'a') + "\"\nendpoint = \"http://a\""),
      ElementsAre(HasSubstr("2: name: the name of a source takes 300 bytes")));
  EXPECT_THAT(
      mistakes_in("[[source]]\nendpoint = \"http://a\"\n[[source]]\nendpoint = \"http://a\""),
      ElementsAre(HasSubstr("3: two sources are called \"a\"")))
      << "by default, too";
}

TEST(ConfigMistakes, NoSourceAndNoToml) {
  const std::string none = "1: no source: give at least one [[source]] with an endpoint";
  EXPECT_THAT(mistakes_in(""), ElementsAre(none));
  EXPECT_THAT(mistakes_in("store = \"x\"\n"), ElementsAre(none));
  EXPECT_THAT(mistakes_in("store = \"x\"\n[source]\nendpoint = \"http://a\"\n"),
              ElementsAre("2: source: expected tables that begin with a line [[source]], in double "
                          "brackets, found a table"));
  EXPECT_THAT(mistakes_in("\nsource = \"a\"\n"), ElementsAre(HasSubstr("found a string")));
  EXPECT_THAT(mistakes_in("source = []\n"), ElementsAre(HasSubstr("found a list")));
  EXPECT_THAT(mistakes_in("store = \"x\"\nrotate = 5 5\n"),
              ElementsAre(HasSubstr("2: not TOML: ")));
  EXPECT_THAT(mistakes_in("store = \"x\"\nstore = \"y\"\n"),
              ElementsAre(HasSubstr("2: not TOML: ")));
  EXPECT_THAT(mistakes_in("store = \"\xff\"\n"), ElementsAre(HasSubstr("1: not TOML: ")));
  EXPECT_THAT(mistakes_in(std::string(5000, '[')), ElementsAre(HasSubstr("not TOML: ")));
  // What toml++ itself holds for impossible.
  for (const char* const header : {"[[[a]]]", "[,]", "[[,]]", "[[ [", "[\x01]"}) {
    EXPECT_THAT(mistakes_in("store = \"x\"\n# [,]\nkeep_free = \"\"\"\n[,]\"\"\"\n" +
                            std::string(header) + "\nmax_bytes = 1\n"),
                ElementsAre(HasSubstr("5: not TOML: ")))
        << header;
  }
}

TEST(ConfigMistakes, AreOneLineEachAndDontSpeakToTheTerminal) {
  EXPECT_EQ(text_of({{3, "a\x1b[31m\nb"}, {4, "c"}}, "x.toml"),
            "x.toml:3: a\\u{1b}[31m\\nb\nx.toml:4: c");
}

TEST(LoadConfig, ReadsAFileOfABoundedSize) {
  const TemporaryDirectory directory;
  const std::string path = directory / "smtptape.toml";
  EXPECT_THROW(static_cast<void>(load_config(path)), Error);
  testing::write_file(path, "store = \"t\"\n[[source]]\nendpoint = \"http://a\"\n");
  EXPECT_EQ(load_config(path).store.store, directory.path() / "t");
  testing::write_file(path, "x");
  EXPECT_THAT([&] { static_cast<void>(load_config(path)); },
              ::testing::ThrowsMessage<ConfigError>(HasSubstr(path + ":1: not TOML")));
  testing::write_file(path, std::string((1 << 20) + 1, '#'));
  EXPECT_THAT([&] { static_cast<void>(load_config(path)); },
              ::testing::ThrowsMessage<UsageError>(HasSubstr("too large")));
}

// --- the table and the documents ---

template <class Keys>
void add_rows(const Keys& keys, std::vector<std::string>& rows) {
  for (const auto& key : keys) {
    rows.push_back("| `" + std::string(key.name) + "` | " + std::string(name_of(key.kind)) + " | " +
                   std::string(key.otherwise) + " | " + std::string(key.help) + " |");
  }
}

TEST(ConfigDocument, ListsEveryKeyInTheOrderOfTheTable) {
  std::vector<std::string> expected;
  add_rows(store_keys(), expected);
  add_rows(source_keys(), expected);
  std::vector<std::string> listed;
  for (const std::string& line :
       testing::read_lines(SMTPTAPE_SOURCE_DIR "/docs/configuration.md")) {
    if (line.starts_with("| `")) listed.push_back(line);
  }
  EXPECT_EQ(listed, expected);
}

TEST(ConfigKeys, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const auto& key : source_keys())
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
  names.clear();
  for (const auto& key : store_keys())
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
  EXPECT_FALSE(names.contains("source")) << "that is the table of the sources";
}

std::string sample() {
  return testing::read_file(SMTPTAPE_SOURCE_DIR "/samples/smtptape.toml");
}

TEST(ConfigSample, IsGoodAndMasksSecrets) {
  const Config config = good(sample());
  EXPECT_EQ(config.store.store, "/var/lib/smtptape");
  EXPECT_EQ(config.store.secrets, Secrets::Mask);
  EXPECT_EQ(config.sources.size(), 1U);
  EXPECT_EQ(config.sources.at(0).endpoint, "http://127.0.0.1:8000");
}

// "# key = value" is a key that is commented out; "# words" is not.
TEST(ConfigSample, IsGoodWithEveryCommentedKeyToo) {
  std::string all;
  for (const std::string& line :
       testing::read_lines(SMTPTAPE_SOURCE_DIR "/samples/smtptape.toml")) {
    const std::string rest = line.starts_with("# ") ? line.substr(2) : "";
    const std::size_t name = rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz_");
    const bool key = name != 0 && name != std::string::npos && rest.substr(name, 3) == " = ";
    all += (key || rest == "[[source]]" ? rest : line) + "\n";
  }
  const Config config = good(all);
  EXPECT_EQ(config.sources.size(), 2U);
  EXPECT_EQ(config.store.max_tapes, 1000U);
  for (const auto& key : store_keys())
    EXPECT_THAT(all, HasSubstr("\n" + std::string(key.name) + " = "));
}

}  // namespace
}  // namespace smtptape
