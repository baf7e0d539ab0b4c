// What the server lets through, and what it makes of it, row by row.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "filters/allow_list.h"
#include "filters/request.h"
#include "format/event.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

struct Row {
  std::string_view request;
  std::string_view event;
};

Row parse_row(std::string_view json) {
  Row row;
  JsonReader reader(json);
  std::string key;
  EXPECT_TRUE(reader.enter_object());
  while (reader.next_key(key)) {
    (key == "request" ? row.request : row.event) = reader.skip_value().value_or("");
  }
  EXPECT_FALSE(reader.failed()) << reader.error();
  return row;
}

// The frame that a subscriber with this request gets for the event, or "drop".
std::string served(const Row& row) {
  std::string frame;
  EXPECT_TRUE(append_canonical_json(frame, row.event));
  EventBatch batch;
  WireDecoder decoder;
  Event& event = decoder.decode(batch.arena.copy(frame), Opcode::Text, batch);
  const TraceRequest request = parse_request(row.request);
  if (!AllowList(request, Honour::AsLive).passes(event.meta, Scope::Event)) return "drop";
  if (request.terse) abbreviate(event, batch.arena);
  std::string out;
  append_frame(out, event);
  return out;
}

TEST(Filter, AsLiveDoesWhatTheServerDoes) {
  for (const auto& row : testing::read_table("kcli/filter.tsv", testing::Header::No)) {
    ASSERT_EQ(row.size(), 2u);
    EXPECT_EQ(served(parse_row(row[0])), row[1]) << row[0];
  }
}

}  // namespace
}  // namespace smtptape
