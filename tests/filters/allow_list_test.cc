#include "filters/allow_list.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "filters/request.h"
#include "filters/session_scope.h"
#include "format/event.h"
#include "format/meta.h"

namespace smtptape {
namespace {

AllowList filters(std::string_view request, Honour honour = Honour::Documented) {
  return AllowList(parse_request(request), honour);
}

bool passes(std::string_view request,
            std::string_view meta,
            Scope scope = Scope::Event,
            Honour honour = Honour::Documented) {
  const MetaPtr parsed = Meta::parse(meta);
  return filters(request, honour).passes(parsed.get(), scope);
}

TEST(AllowList, PassesWhatTheEventDoesNotCarry) {
  for (const char* meta : {"{}",
                           "null",
                           "[]",
                           "[\"a\"]",
                           R"({"domain":null})",
                           R"({"domain":1})",
                           R"({"domain":["a"]})",
                           R"({"domain":{"a":"b"}})"}) {
    EXPECT_TRUE(passes(R"({"domain":["x"]})", meta)) << meta;
    EXPECT_FALSE(passes(R"({"domain":["x"]})", meta, Scope::Strict)) << meta;
  }
}

TEST(AllowList, PassesUnreadableMetadataUnlessStrict) {
  AllowList list = filters(R"({"domain":["x"]})");
  EXPECT_TRUE(list.passes(nullptr, Scope::Event));
  EXPECT_FALSE(list.passes(nullptr, Scope::Strict));
}

TEST(AllowList, PassesEverythingWithoutFilters) {
  AllowList list = filters(R"({"terse":true,"domain":[]})");
  EXPECT_TRUE(list.empty());
  EXPECT_TRUE(list.passes(nullptr, Scope::Strict));
  EXPECT_TRUE(list.passes(Meta::null().get(), Scope::Strict));
  EXPECT_TRUE(list.passes(Meta::parse("{}").get(), Scope::Event));
}

TEST(AllowList, ComparesTextByteForByte) {
  const std::string request = R"({"domain":["é\"\\\u0001\u007f/","b"]})";
  EXPECT_TRUE(passes(request, R"({"domain":"\u00e9\u0022\u005C\u0001\u007F\/"})", Scope::Strict));
  EXPECT_TRUE(passes(request, R"({"domain":"b"})", Scope::Strict));
  for (const char* value : {"\"B\"", "\"b \"", "\"b.\"", "\"\"", "\"\\\"b\\\"\""}) {
    EXPECT_FALSE(passes(request, std::string("{\"domain\":") + value + "}")) << value;
  }
}

TEST(AllowList, AllowsTheEmptyTextOnlyWhenAsked) {
  EXPECT_TRUE(passes(R"({"mail_from":[""]})", R"({"sender":""})", Scope::Strict));
  EXPECT_FALSE(passes(R"({"mail_from":[""]})", R"({"sender":"a@b"})"));
  EXPECT_FALSE(passes(R"({"mail_from":["a@b"]})", R"({"sender":""})"));
}

TEST(AllowList, WantsAllFiltersAndAnyValue) {
  const std::string request = R"({"tenant":["t","u"],"domain":["d"]})";
  EXPECT_TRUE(passes(request, R"({"tenant":"u","domain":"d"})", Scope::Strict));
  EXPECT_FALSE(passes(request, R"({"tenant":"u","domain":"e"})"));
  EXPECT_FALSE(passes(request, R"({"tenant":"v","domain":"d"})"));
  EXPECT_TRUE(passes(request, R"({"tenant":"u"})"));
  EXPECT_FALSE(passes(request, R"({"tenant":"u"})", Scope::Strict));
}

TEST(AllowList, LooksAtEachRecipient) {
  const std::string request = R"({"rcpt_to":["x@y"]})";
  EXPECT_TRUE(passes(request, R"({"recipient":["a@b","x@y"]})", Scope::Strict));
  EXPECT_TRUE(passes(request, R"({"recipient":"x@y"})", Scope::Strict));
  EXPECT_TRUE(passes(request, R"({"recipient":[1,"x@y",null]})", Scope::Strict));
  EXPECT_FALSE(passes(request, R"({"recipient":["a@b"]})"));
  EXPECT_FALSE(passes(request, R"({"recipient":[1,"a@b",null]})"));
  EXPECT_FALSE(passes(request, R"({"recipient":"a@b"})"));
}

TEST(AllowList, CannotCompareAListWithoutText) {
  for (const char* meta : {R"({"recipient":[]})", R"({"recipient":[1,["x@y"]]})"}) {
    EXPECT_TRUE(passes(R"({"rcpt_to":["x@y"]})", meta)) << meta;
    EXPECT_FALSE(passes(R"({"rcpt_to":["x@y"]})", meta, Scope::Strict)) << meta;
  }
}

TEST(AllowList, ComparesAddressesWithoutTheirPort) {
  const std::string request = R"({"source_addr":["192.0.2.0/24","2001:db8::/32"]})";
  EXPECT_TRUE(passes(request, R"({"source_address":"192.0.2.5:40112"})", Scope::Strict));
  EXPECT_TRUE(passes(request, R"({"source_address":"[2001:db8::5]:1"})", Scope::Strict));
  EXPECT_FALSE(passes(request, R"({"source_address":"198.51.100.1:1"})"));
  EXPECT_FALSE(passes(request, R"({"source_address":"::ffff:192.0.2.5"})"));
}

TEST(AllowList, CannotCompareWhatIsNoAddress) {
  for (const char* value :
       {"\"/run/x.sock\"", "\"<unbound unix domain>\"", "\"\"", "7", "null", "[\"10.0.0.1\"]"}) {
    const std::string meta = std::string("{\"mx_address\":") + value + "}";
    EXPECT_TRUE(passes(R"({"mx_addr":[]})", meta)) << value;
    EXPECT_FALSE(passes(R"({"mx_addr":["any"]})", meta, Scope::Strict)) << value;
  }
}

TEST(AllowList, RefusesEveryAddressByAnEmptySet) {
  EXPECT_FALSE(passes(R"({"mx_addr":[]})", R"({"mx_address":"192.0.2.5"})"));
  EXPECT_TRUE(passes(R"({"mx_addr":[]})", "{}"));
}

TEST(AllowList, AsLiveIgnoresWhatTheServerIgnores) {
  const std::string meta = R"({"ready_queue_name":"q","recipient":["x@y"]})";
  EXPECT_TRUE(passes(R"({"ready_queue":["other"]})", meta, Scope::Event, Honour::AsLive));
  EXPECT_FALSE(passes(R"({"ready_queue":["other"]})", meta));
  EXPECT_TRUE(passes(R"({"rcpt_to":["other"]})", meta, Scope::Event, Honour::AsLive));
  EXPECT_FALSE(passes(R"({"rcpt_to":["other"]})", meta));
}

TEST(AllowList, AsLiveComparesWhatOldServersSent) {
  const std::string meta = R"({"ready_queue":"q","recipient":"x@y"})";
  EXPECT_FALSE(passes(R"({"ready_queue":["other"]})", meta, Scope::Event, Honour::AsLive));
  EXPECT_TRUE(passes(R"({"ready_queue":["q"]})", meta, Scope::Event, Honour::AsLive));
  EXPECT_FALSE(passes(R"({"rcpt_to":["other"]})", meta, Scope::Event, Honour::AsLive));
  EXPECT_TRUE(passes(R"({"ready_queue":["other"]})", meta)) << "the documented key is absent";
}

TEST(AllowList, NeedsHelpForWhatTheServerIgnores) {
  EXPECT_TRUE(filters(R"({"ready_queue":["q"]})").needs_local_help());
  EXPECT_TRUE(filters(R"({"rcpt_to":["x@y"],"domain":["d"]})").needs_local_help());
  EXPECT_FALSE(filters(R"({"domain":["d"],"mx_addr":["any"]})").needs_local_help());
  EXPECT_FALSE(filters("{}").needs_local_help());
  EXPECT_FALSE(filters(R"({"rcpt_to":["x@y"]})", Honour::AsLive).needs_local_help());
}

TEST(AllowList, RemembersEachMetadataApart) {
  AllowList list = filters(R"({"domain":["d"]})");
  const MetaPtr yes = Meta::parse(R"({"domain":"d"})");
  const MetaPtr no = Meta::parse(R"({"domain":"e"})");
  const MetaPtr absent = Meta::parse("{}");
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(list.passes(yes.get(), Scope::Strict));
    EXPECT_FALSE(list.passes(no.get(), Scope::Event));
    EXPECT_TRUE(list.passes(absent.get(), Scope::Event));
    EXPECT_FALSE(list.passes(absent.get(), Scope::Strict));
  }
}

// --- sessions ---

// ---- what is denied ----

DeniedValues denied(std::string_view request) {
  return parse_request(request).allowed;
}

bool escapes(std::string_view request, std::string_view meta, Scope scope) {
  AllowList list({}, Honour::Documented);
  list.deny(denied(request));
  EXPECT_FALSE(list.empty());
  return list.passes(Meta::parse(meta).get(), scope);
}

TEST(Denied, IsLeftOutAndWhatIsNotThereIsNot) {
  const std::string request = R"({"tenant":["acme","b"]})";
  for (const Scope scope : {Scope::Event, Scope::Strict}) {
    EXPECT_FALSE(escapes(request, R"({"tenant":"acme"})", scope));
    EXPECT_FALSE(escapes(request, R"({"tenant":"b"})", scope));
    EXPECT_TRUE(escapes(request, R"({"tenant":"acmee"})", scope));
    EXPECT_TRUE(escapes(request, R"({"tenant":""})", scope));
  }
  for (const char* meta : {"{}", "null", R"({"tenant":null})", R"({"tenant":["acme"]})"}) {
    EXPECT_TRUE(escapes(request, meta, Scope::Event)) << meta;
    EXPECT_FALSE(escapes(request, meta, Scope::Strict)) << meta;
  }
}

TEST(Denied, OneRecipientIsEnough) {
  const std::string request = R"({"rcpt_to":["x@y"]})";
  EXPECT_FALSE(escapes(request, R"({"recipient":["a@b","x@y"]})", Scope::Event));
  EXPECT_FALSE(escapes(request, R"({"recipient":"x@y"})", Scope::Event));
  EXPECT_TRUE(escapes(request, R"({"recipient":["a@b"]})", Scope::Strict));
  EXPECT_TRUE(escapes(request, R"({"recipient":[]})", Scope::Event));
  EXPECT_FALSE(escapes(request, R"({"recipient":[]})", Scope::Strict));
}

TEST(Denied, AddressesAreInsideOfNetworks) {
  const std::string request = R"({"mx_addr":["10.0.0.0/8"]})";
  EXPECT_FALSE(escapes(request, R"({"mx_address":"10.1.2.3:25"})", Scope::Event));
  EXPECT_TRUE(escapes(request, R"({"mx_address":"192.0.2.1:25"})", Scope::Strict));
  EXPECT_TRUE(escapes(request, R"({"mx_address":"nowhere"})", Scope::Event));
  EXPECT_FALSE(escapes(request, R"({"mx_address":"nowhere"})", Scope::Strict));
}

TEST(Denied, AndAllowedHaveToHoldTogether) {
  AllowList list = filters(R"({"domain":["d"]})");
  list.deny(denied(R"({"tenant":["acme"]})"));
  const auto passes_both = [&list](std::string_view meta) {
    return list.passes(Meta::parse(meta).get(), Scope::Event);
  };
  EXPECT_TRUE(passes_both(R"({"domain":"d"})"));
  EXPECT_FALSE(passes_both(R"({"domain":"d","tenant":"acme"})"));
  EXPECT_FALSE(passes_both(R"({"domain":"e"})"));
}

TEST(Sessions, OfTheseIdsAndNoOthers) {
  AllowList list({}, Honour::Documented);
  list.require_sessions({"b", "a"});
  EXPECT_FALSE(list.empty());
  for (const Scope scope : {Scope::Event, Scope::Strict}) {
    EXPECT_TRUE(list.passes(Meta::parse(R"({"id":"a"})").get(), scope));
    EXPECT_FALSE(list.passes(Meta::parse(R"({"id":"c"})").get(), scope));
    EXPECT_FALSE(list.passes(Meta::parse("{}").get(), scope));
    EXPECT_FALSE(list.passes(Meta::null().get(), scope));
  }
}

TEST(Spellings, OfAHostAreAllowedBesideIt) {
  TraceRequest request = parse_request(R"({"mx_host":["mx.example"],"tenant":["T.example"]})");
  const std::string as_sent = to_json(request);
  add_spellings(request.allowed);
  EXPECT_EQ(to_json(request), as_sent) << "a server is asked for what was typed";
  AllowList list(request, Honour::Documented);
  const auto passes_host = [&list](const char* meta) {
    return list.passes(Meta::parse(meta).get(), Scope::Event);
  };
  EXPECT_TRUE(passes_host(R"({"mx_host":"mx.example."})"));
  EXPECT_FALSE(passes_host(R"({"mx_host":"mx.example.."})"));
  EXPECT_FALSE(passes_host(R"({"tenant":"t.example"})")) << "no host";
}

Event event_of(const MetaPtr& meta) {
  Event event;
  event.meta = meta.get();
  return event;
}

TEST(SessionScope, TakesWholeSessionsAndNothingElse) {
  SessionScope scope(filters(R"({"tenant":["acme"]})"));
  const MetaPtr begin = Meta::parse(R"({"id":"1"})");
  const MetaPtr chosen = Meta::parse(R"({"id":"1","tenant":"acme"})");
  const MetaPtr next_message = Meta::parse(R"({"id":"1","tenant":"other"})");
  const MetaPtr stranger = Meta::parse(R"({"id":"2","tenant":"other"})");
  const MetaPtr unassigned = Meta::parse(R"({"id":"3"})");
  const std::vector<Event> events{event_of(begin),
                                  event_of(chosen),
                                  event_of(next_message),
                                  event_of(stranger),
                                  event_of(unassigned),
                                  Event()};
  EXPECT_FALSE(scope.contains(begin.get()));
  scope.collect(events);
  EXPECT_EQ(scope.session_count(), 1u);
  EXPECT_TRUE(scope.contains(begin.get())) << "asked before the session was known";
  EXPECT_TRUE(scope.contains(chosen.get()));
  EXPECT_TRUE(scope.contains(next_message.get()));
  EXPECT_FALSE(scope.contains(stranger.get()));
  EXPECT_FALSE(scope.contains(unassigned.get()));
}

TEST(SessionScope, WantsAllMarksAndNothingDenied) {
  SessionScope scope(filters("{}"), SessionScope::NoFilter::TakesCollected);
  scope.require(SessionScope::kPasses | SessionScope::kMessage);
  const MetaPtr meta = Meta::parse(R"({"id":"1"})");
  scope.mark("1", SessionScope::kPasses);
  EXPECT_FALSE(scope.contains(meta.get()));
  scope.mark(*meta, SessionScope::kMessage);
  EXPECT_TRUE(scope.contains(meta.get()));
  EXPECT_EQ(scope.session_count(), 1u);
  scope.mark("1", SessionScope::kDenied);
  EXPECT_FALSE(scope.contains(meta.get()));
  EXPECT_EQ(scope.session_count(), 0u);
  EXPECT_TRUE(scope.hashes().empty());
}

TEST(SessionScope, LeavesOutWhatHasNoSession) {
  SessionScope scope(filters(R"({"tenant":["acme"]})"));
  const MetaPtr nameless = Meta::parse(R"({"tenant":"acme"})");
  const MetaPtr numbered = Meta::parse(R"({"id":5,"tenant":"acme"})");
  const MetaPtr empty = Meta::parse(R"({"id":"","tenant":"acme"})");
  const std::vector<Event> events{event_of(nameless), event_of(numbered), event_of(empty)};
  scope.collect(events);
  EXPECT_FALSE(scope.contains(nullptr));
  EXPECT_FALSE(scope.contains(nameless.get()));
  EXPECT_FALSE(scope.contains(numbered.get()));
  EXPECT_TRUE(scope.contains(empty.get()));
  EXPECT_FALSE(scope.contains(Meta::null().get())) << "a lag notice is not of the empty session";
}

TEST(SessionScope, TakesEverythingWithoutFilters) {
  SessionScope scope(filters("{}"));
  scope.collect(std::vector<Event>{Event()});
  EXPECT_TRUE(scope.contains(nullptr));
  EXPECT_TRUE(scope.contains(Meta::null().get()));
  EXPECT_TRUE(scope.contains(Meta::parse(R"({"id":"1"})").get()));
}

}  // namespace
}  // namespace smtptape
