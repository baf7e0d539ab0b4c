#include "filters/request.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "format/wire/json.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using testing::Header;
using testing::read_table;

constexpr const char* kNothingAsked =
    R"({"campaign":[],"tenant":[],"domain":[],"routing_domain":[],"egress_pool":[],)"
    R"("egress_source":[],"mail_from":[],"rcpt_to":[],"source_addr":null,"mx_host":[],)"
    R"("ready_queue":[],"mx_addr":null})";

std::string read_and_write(std::string_view json) {
  try {
    return "OK " + to_json(parse_request(json));
  } catch (const Error& error) {
    return std::string("ERR ") + error.what();
  }
}

std::string error_of(std::string_view json) {
  const std::string result = read_and_write(json);
  return result.starts_with("ERR ") ? result.substr(4) : "no error: " + result;
}

std::vector<std::string> string_list(std::string_view json) {
  JsonReader reader(json);
  std::vector<std::string> texts;
  if (!reader.enter_array()) throw std::runtime_error("not a list");
  while (reader.next_element()) {
    if (!reader.read_string(texts.emplace_back())) throw std::runtime_error("not a string");
  }
  return texts;
}

std::size_t property_of(std::string_view flag) {
  const auto* const found =
      std::find_if(kProperties.begin(), kProperties.end(), [flag](const Property& property) {
        return property.flag == flag;
      });
  return static_cast<std::size_t>(found - kProperties.begin());
}

// The options of kcli that the goldens use.
TraceRequest request_of(const std::vector<std::string>& argv, Honour honour) {
  OptionValues values;
  bool terse = false;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    const std::size_t property = property_of(argv[i]);
    if (property < kPropertyCount) {
      values[property].push_back(argv.at(++i));
    } else if (argv[i] == "--terse") {
      terse = true;
    } else if (argv[i] == "--color") {
      ++i;
    }
  }
  TraceRequest request = request_from_options(values, honour);
  request.terse = terse;
  return request;
}

TEST(Request, IsReadAsTheServerReadsIt) {
  for (const auto& row : read_table("kcli/request.tsv", Header::No)) {
    EXPECT_EQ(read_and_write(row.at(0)), row.at(1)) << row[0];
  }
}

TEST(Request, IsWhatKcliSendsForTheSameOptions) {
  for (const auto& row : read_table("kcli/kcli-requests.tsv", Header::Yes)) {
    EXPECT_EQ(to_json(request_of(string_list(row.at(0)), Honour::AsLive)), row.at(1)) << row[0];
    EXPECT_EQ(to_json(request_of(string_list(row.at(0)), Honour::Documented)), row.at(1));
  }
}

TEST(Request, RefusesTheOptionsThatKcliRefuses) {
  for (const auto& row : read_table("kcli/kcli-bad-options.tsv", Header::Yes)) {
    try {
      (void)request_of(string_list(row.at(0)), Honour::AsLive);
      ADD_FAILURE() << "accepted: " << row[0];
    } catch (const Error& error) {
      EXPECT_EQ(std::string("Error: ") + error.what(), row.at(2));
      EXPECT_EQ(error.exit(), Exit::Usage);
    }
  }
}

TEST(Request, NamesTheOptionThatIsWrong) {
  OptionValues values;
  values[property_of("--mx-addr")] = {"x"};
  try {
    (void)request_from_options(values, Honour::Documented);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::Usage);
    EXPECT_TRUE(std::string_view(error.what()).starts_with("invalid --mx-addr value(s): x: x is"));
  }
}

TEST(Request, ComplainsAboutTheSourceFirst) {
  OptionValues values;
  values[property_of("--mx-addr")] = {"x"};
  values[property_of("--source")] = {"y"};
  try {
    (void)request_from_options(values, Honour::AsLive);
    FAIL();
  } catch (const Error& error) {
    EXPECT_TRUE(std::string_view(error.what()).starts_with("invalid --source value(s): y:"));
  }
}

TEST(Request, AsksForNothingByDefault) {
  EXPECT_EQ(to_json(TraceRequest()), kNothingAsked);
  EXPECT_EQ(parse_request("{}"), TraceRequest());
  EXPECT_EQ(parse_request(" [ ] "), TraceRequest());
  EXPECT_EQ(parse_request(R"({"terse":false})"), TraceRequest());
}

TEST(Request, MayBeAListInTheOrderOfTheFields) {
  const TraceRequest request =
      parse_request(R"([["c"],[],["d"],[],[],[],[],[],null,[],[],["10.0.0.0","10.0.0.1"],true])");
  EXPECT_EQ(
      request,
      parse_request(R"({"campaign":["c"],"domain":["d"],"mx_addr":["10.0.0.0/31"],"terse":true})"));
  EXPECT_EQ(parse_request(R"([["c"]])"), parse_request(R"({"campaign":["c"]})"));
  EXPECT_EQ(error_of(R"([[],[],[],[],[],[],[],[],null,[],[],null,true,1])"),
            "trailing characters at line 1 column 47");
  EXPECT_EQ(error_of("[null]"), "invalid type: null, expected a sequence at line 1 column 5");
}

TEST(Request, KnowsAnEmptySetFromNoSet) {
  const std::size_t source = property_of("--source");
  EXPECT_EQ(parse_request(R"({"source_addr":null})").allowed[source].networks, std::nullopt);
  EXPECT_EQ(parse_request(R"({"source_addr":[]})").allowed[source].networks, CidrSet());
  EXPECT_TRUE(parse_request(R"({"source_addr":[]})").allowed[source].is_set());
  EXPECT_FALSE(parse_request(R"({"domain":[]})").allowed[property_of("--domain")].is_set());
}

TEST(Request, SkipsUnknownFieldsOfAnyShape) {
  EXPECT_EQ(parse_request(R"({"x":{"domain":["no"]},"x":[1,{}],"domain":["yes"],"":null})"),
            parse_request(R"({"domain":["yes"]})"));
}

TEST(Request, UnescapesNamesAndValues) {
  EXPECT_EQ(parse_request(R"({"dom\u0061in":["\u00e9\"\n"]})"),
            parse_request("{\"domain\":[\"é\\\"\\u000a\"]}"));
}

TEST(Request, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(
      error_of("5"),
      "invalid type: integer `5`, expected struct TraceSmtpClientV1Request at line 1 column 1");
  EXPECT_EQ(error_of(R"({"terse":[]})"),
            "invalid type: sequence, expected a boolean at line 1 column 9");
  EXPECT_EQ(error_of(R"({"domain":[{}]})"),
            "invalid type: map, expected a string at line 1 column 11");
  EXPECT_EQ(error_of(R"({"domain":-1.5})"),
            "invalid type: floating point `-1.5`, expected a sequence at line 1 column 14");
  EXPECT_EQ(error_of(R"({"terse":"\u0041\n"})"),
            "invalid type: string \"A\\n\", expected a boolean at line 1 column 19");
  EXPECT_EQ(error_of(R"({"terse":1E20})"),
            "invalid type: floating point `1e+20`, expected a boolean at line 1 column 13");
  EXPECT_EQ(error_of("{\n \"domain\":[\"a\"],\n\"domain\" :[]}"),
            "duplicate field `domain` at line 3 column 9");
  EXPECT_EQ(error_of("{\"mx_addr\":[\"x\",\"10.0.0.0/33\"]\n,\"terse\":true}"),
            "x: x is not a valid CIDR: couldn't parse address in network: invalid IP address "
            "syntax, 10.0.0.0/33: 10.0.0.0/33 is not a valid CIDR: invalid length for network: "
            "Network length 33 is too long for Ipv4 (maximum: 32) at line 2 column 0");
}

TEST(Request, RefusesWhatIsNotJson) {
  for (const char* json : {"",
                           "{",
                           "[",
                           "{\"domain\"",
                           R"({"domain":)",
                           R"({"domain":["a")",
                           R"({"domain":["a",]})",
                           R"({"domain":["a"],})",
                           "{} {}",
                           "{}]",
                           "nul",
                           R"({"domain":[tru]})",
                           R"({"x":[}})",
                           R"({"domain":["\ud800"]})"}) {
    EXPECT_THROW((void)parse_request(json), Error) << json;
  }
}

TEST(Request, ComesBackAsItWasWritten) {
  std::mt19937 random(3);
  const std::vector<std::string> texts{"", "a", "\"", "\\", "é", "\n\x01\x7f", "a b", "[]"};
  const std::vector<std::string> entries{"any", "10.0.0.0/8", "10.0.0.1", "::1", "2001:db8::/32"};
  for (int round = 0; round < 2000; ++round) {
    OptionValues values;
    for (std::size_t i = 0; i < kPropertyCount; ++i) {
      const auto& choice = kProperties[i].kind == PropertyKind::Address ? entries : texts;
      for (auto count = random() % 4; count > 1; --count) {
        values[i].push_back(choice[random() % choice.size()]);
      }
    }
    TraceRequest request = request_from_options(values, Honour::Documented);
    request.terse = random() % 2 == 0;
    ASSERT_EQ(parse_request(to_json(request)), request) << to_json(request);
  }
}

}  // namespace
}  // namespace smtptape
