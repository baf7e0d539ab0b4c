// A first look at everything: what must not be in the result, and what is public.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "share/redact/metadata.h"
#include "share/redact/originals.h"
#include "share/redact/pseudonyms.h"
#include "share/redact/recent.h"
#include "share/redact/rules.h"
#include "share/redact/session_text.h"
#include "share/redact/texts.h"

namespace smtptape {

class Learner : private MetaVisitor {
 public:
  // Adds to both; classes that `kept` names become public.
  // All outlive it.
  Learner(Originals& originals, KeptNames& kept, const RedactionRules& rules);
  void add(const EventBatch& batch);
  // The name that a recorder has for a server.
  void learn_source(const Origin& origin);
  // Everything was added.
  void finish();

 private:
  // What of a session's header or login goes on in its next line.
  struct State {
    std::string field;        // a value that may be folded
    bool named = false;       // by the rules
    bool logging_in = false;  // what is no command may be an answer of AUTH
  };
  // What a line of the client's says by itself.
  struct Line {
    std::uint32_t value_size = 0;  // of a header, up to the line's end: what of it goes
    bool unknown = false;          // it goes as a whole
    bool named = false;            // by the rules: its value goes word by word
    bool logs_in = false;
  };
  void take(std::string& text, const Spans& spans) override;
  void take_public(std::string_view text) override;
  void leave_out(std::string_view key, std::string_view json) override;

  void add(const Event& event);
  void add(const Meta& meta);
  void learn_line(std::string_view session, std::string_view line);
  [[nodiscard]] State& state_of(std::string_view session);
  [[nodiscard]] Line learned_line(std::string_view line);
  void learn_unknown(std::string_view line, std::string_view header);
  void learn_spans(std::string_view text, const Spans& spans);
  void learn(Kind kind, std::string_view text);
  void learn_address(std::string_view text);
  void learn_domain(Kind kind, std::string_view text);
  void learn_credential(std::string_view argument);
  void learn_reply(std::string_view reply);
  void learn_matches(std::string_view text);
  void end_field(State& state);
  void learn_field(std::string_view value);
  void learn_words(std::string_view text);
  void learn_url(std::string_view url);
  void learn_parts(std::string_view name);
  void learn_names(std::string_view text);

  Originals& originals_;
  KeptNames& kept_;
  const RedactionRules& rules_;
  SessionText texts_;
  TextMap<State> states_;
  MetaMemo<bool> seen_;
  Recent<bool> members_;
  Recent<Line> lines_;
  Recent<bool> fields_;
  Recent<bool> matched_;                     // texts that the patterns were asked about
  std::string source_;                       // the last one that was learned
  TextSet domains_;                          // that were learned
  std::vector<std::string> kept_mailboxes_;  // whose local part stays
  std::string scratch_;
  std::string key_;
};

}  // namespace smtptape
