#include "tests/format/rows_model.h"

#include <algorithm>
#include <array>

#include "format/wire/json.h"

namespace smtptape::testing {

namespace {

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  ModelTape make() {
    const std::size_t sessions = 3 + below(30);
    for (std::size_t i = 0; i < sessions; ++i)
      scripts_.push_back(script(i));
    std::size_t left = sessions;
    while (left > 0) {
      if (chance(3)) tape_.events.push_back(stray());
      const std::size_t i = below(sessions);
      if (next_.size() < sessions) next_.resize(sessions);
      if (next_[i] == scripts_[i].size()) continue;
      tape_.events.push_back(scripts_[i][next_[i]++]);
      if (next_[i] == scripts_[i].size()) --left;
    }
    number();
    add_gaps();
    return std::move(tape_);
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  bool chance(std::size_t percent) { return below(100) < percent; }

  // Events in order, group after group; holes where events were not selected.
  void number() {
    std::uint64_t sequence = 100;
    std::size_t group = 0;
    for (ModelEvent& event : tape_.events) {
      sequence += 1 + (chance(5) ? below(4) : 0);
      if (chance(1) && &event != &tape_.events.front()) ++group;
      event.sequence = sequence;
      event.group = group;
      event.received = 1'000'000 + static_cast<std::int64_t>(sequence * 1000 + below(50'000));
    }
    tape_.groups = group + 1;
  }

  // Each is told where it is, or some events later.
  void add_gaps() {
    for (std::size_t n = below(4); n > 0; --n) {
      const std::size_t place = below(tape_.events.size());
      std::size_t told = place + 1;
      const std::size_t late = below(6);
      while (told < tape_.events.size() && told < place + 1 + late &&
             tape_.events[told].group == tape_.events[place].group) {
        ++told;
      }
      tape_.gaps.push_back({tape_.events[place].sequence, tape_.events[place].group, told});
    }
    std::sort(tape_.gaps.begin(), tape_.gaps.end(), [](const ModelGap& a, const ModelGap& b) {
      return a.told_before < b.told_before;
    });
  }

  // ---- metadata ----

  std::string text_json() {
    std::string text = "v" + std::to_string(below(chance(10) ? 100'000 : 12));
    if (chance(2)) text.assign(1020 + below(8), 'l');
    std::string json;
    append_json_string(json, text);
    return json;
  }

  ModelValue value() {
    static constexpr auto kOdd = std::to_array<const char*>({"null", "7", "true", R"({"a":"v1"})"});
    ModelValue out;
    out.present = !chance(10);
    if (!out.present) return out;
    const std::size_t shape = below(100);
    if (shape < 60) {
      out.texts = {text_json()};
      out.json = out.texts[0];
    } else if (shape < 70) {
      out.json = kOdd[below(kOdd.size())];
    } else {
      out.is_list = true;
      list(out, shape > 98 ? 30 + below(100) : below(4));
    }
    return out;
  }

  void list(ModelValue& out, std::size_t size) {
    out.json = "[";
    for (std::size_t i = 0; i < size; ++i) {
      if (i > 0) out.json += ",";
      if (chance(15)) {
        out.json += chance(50) ? "null" : "[\"inner\"]";
        continue;
      }
      out.texts.push_back(chance(50) ? text_json() : "\"w" + std::to_string(below(9999)) + "\"");
      out.json += out.texts.back();
    }
    out.json += "]";
  }

  void new_values(ModelEvent& event) {
    for (const std::string& key : kModelKeys)
      event.values[key] = value();
    event.message_id.reset();
    if (chance(70)) event.message_id = "\"" + std::to_string(random_()) + "\"";
  }

  // Of no session.
  ModelEvent stray() {
    ModelEvent event;
    event.text = "about nothing";
    if (chance(70)) new_values(event);
    return event;
  }

  // ---- dialogues ----

  std::string id(std::size_t i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    if (chance(10)) return "session " + std::to_string(i);
    if (chance(3)) return std::string(1100, 'x') + std::to_string(i);
    std::string out;
    for (int n = 0; n < 32; ++n)
      out.push_back(kDigits[below(16)]);
    if (chance(30)) return out;
    for (const std::size_t at : std::to_array<std::size_t>({8, 13, 18, 23}))
      out.insert(at, "-");
    return out;
  }

  ModelEvent& say(std::vector<ModelEvent>& to, EventKind kind, std::string text = "") {
    to.push_back(current_);
    to.back().kind = kind;
    to.back().text = std::move(text);
    if (chance(8)) {
      new_values(current_);
      to.back().values = current_.values;
      to.back().message_id = current_.message_id;
    }
    return to.back();
  }

  // A reply, whole or in pieces; its last event is what decides.
  ModelEvent& reply(std::vector<ModelEvent>& to, std::uint16_t code) {
    const std::string number = std::to_string(code);
    std::string text = chance(20) ? number + "-more\r\n" : "";
    text += number + (chance(5) ? "\r\n" : " well\r\n");
    if (chance(10)) {
      const std::size_t cut = 1 + below(text.size() - 1);
      say(to, EventKind::Read, text.substr(0, cut));
      text = text.substr(cut);
    }
    ModelEvent& last = say(to, EventKind::Read, text);
    last.reply = code;
    last.worst = code;
    return last;
  }

  std::uint16_t some_code() {
    static constexpr auto kCodes =
        std::to_array<std::uint16_t>({250, 250, 250, 250, 451, 550, 554});
    return kCodes[below(kCodes.size())];
  }

  void message(std::vector<ModelEvent>& to) {
    new_values(current_);
    say(to, EventKind::MessageObtained);
    const std::size_t recipients = 1 + below(4);
    say(to, EventKind::Write, "MAIL FROM:<a@b>\r\n");
    for (std::size_t i = 0; i < recipients; ++i)
      say(to, EventKind::Write, "RCPT TO:<c@d>\r\n");
    say(to, EventKind::Write, "DATA\r\n");
    const std::uint16_t sender = chance(90) ? 250 : 550;
    ModelEvent& mail = reply(to, sender);
    if (sender == 550) mail.decides[5] = 1;
    std::uint16_t refusal = 0;
    bool taken = false;
    for (std::size_t i = 0; i < recipients; ++i) {
      const std::uint16_t code = sender == 250 ? some_code() : 503;
      reply(to, code);
      if (code == 250) taken = true;
      if (code != 250) refusal = code;
    }
    const bool accepted = taken && chance(90);
    ModelEvent& data = reply(to, accepted ? 354 : 451);
    const std::uint16_t decided = !taken ? refusal : 451;
    if (sender == 250 && !accepted) data.decides[decided / 100] = 1;
    if (accepted) body(to);
  }

  void body(std::vector<ModelEvent>& to) {
    ModelEvent& text = say(to, EventKind::Write, "Subject: a\r\n\r\nDATA\r\n250 no reply\r\n");
    if (chance(20)) text.trimmed_to = 5000;
    if (chance(10)) text.kind = EventKind::AbbreviatedWrite;
    if (text.kind == EventKind::AbbreviatedWrite) text.text = "Subject: a";
    say(to, EventKind::Write, ".\r\n");
    const std::uint16_t code = some_code();
    reply(to, code).decides[code / 100] = 1;
  }

  std::vector<ModelEvent> script(std::size_t i) {
    std::vector<ModelEvent> out;
    current_ = {};
    current_.session = id(i);
    new_values(current_);
    if (!chance(10)) say(out, EventKind::BeginSession);
    for (std::size_t n = 1 + below(2); n > 0; --n)
      connection(out);
    return out;
  }

  void connection(std::vector<ModelEvent>& to) {
    say(to, EventKind::Connected);
    reply(to, 220);
    say(to, EventKind::Write, "EHLO me\r\n");
    reply(to, 250);
    if (chance(30)) {
      say(to, EventKind::Write, "STARTTLS\r\n");
      reply(to, 220);
      say(to,
          EventKind::Diagnostic,
          chance(20) ? "STARTTLS handshake failed: \"no\""
                     : "STARTTLS handshake -> TlsInformation { cipher: "
                       "\"x\", protocol_version: \"TLSv1_3\", y }");
    }
    for (std::size_t n = below(5); n > 0; --n)
      message(to);
    if (chance(15)) return;  // never closed
    say(to, EventKind::Write, "QUIT\r\n");
    reply(to, 221);
    say(to, EventKind::Closed);
    if (chance(20)) say(to, EventKind::Diagnostic, "why it closed");
  }

  std::mt19937 random_;
  ModelTape tape_;
  std::vector<std::vector<ModelEvent>> scripts_;
  std::vector<std::size_t> next_;
  ModelEvent current_;
};

}  // namespace

ModelTape random_model(unsigned seed) {
  return Maker(seed).make();
}

std::string frame_of(const ModelEvent& event) {
  static constexpr std::array<const char*, 6> kPlain = {
      "\"BeginSession\"", "\"Connected\"", "\"Closed\"", "", "", ""};
  std::string meta;
  const auto pair = [&meta](const std::string& key, const std::string& json) {
    meta += (meta.empty() ? "\"" : ",\"") + key + "\":" + json;
  };
  for (const auto& [key, value] : event.values) {
    if (value.present) pair(key, value.json);
  }
  if (event.message_id) pair("message_id", *event.message_id);
  if (event.session) pair("id", "\"" + *event.session + "\"");
  std::string text;
  append_json_string(text, event.text);
  std::string payload;
  switch (event.kind) {
    case EventKind::Read: payload = R"({"Read":)" + text + "}"; break;
    case EventKind::Write: payload = R"({"Write":)" + text + "}"; break;
    case EventKind::AbbreviatedWrite:
      payload = R"({"AbbreviatedWrite":{"snippet":)" + text + R"(,"len":5000}})";
      break;
    case EventKind::Diagnostic:
      payload = R"({"Diagnostic":{"level":"INFO","message":)" + text + "}}";
      break;
    case EventKind::MessageObtained: payload = "\"MessageObtained\""; break;
    default: payload = kPlain[static_cast<std::size_t>(event.kind)];
  }
  return R"({"conn_meta":{)" + meta + R"(},"payload":)" + payload +
         R"(,"when":"2026-08-04T13:54:50Z"})";
}

}  // namespace smtptape::testing
