#include "share/redact/learner.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/idna.h"
#include "format/wire/json.h"
#include "share/redact/client_line.h"
#include "share/redact/free_text.h"
#include "share/redact/ip_address.h"
#include "share/redact/keyed_hash.h"
#include "share/redact/session_key.h"
#include "smtp/normal_reply.h"
#include "smtp/spellings.h"
#include "smtp/words.h"

namespace smtptape {

namespace {

constexpr std::string_view kSpace = " \t";

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(kSpace);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kSpace) + 1 - from);
}

// "127.0.0.1" of "127.0.0.1:25", "::1" of "[::1]:25".
std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  const bool version4 = text.find('.') != std::string_view::npos &&
                        text.find("::") == std::string_view::npos && !parse_address(text);
  return version4 ? text.substr(0, text.find(':')) : text;
}

// What stands between two of these may be something by itself.
template <class Take>
void each_part(std::string_view text, std::string_view separators, const Take& take) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    if (end > at) take(text.substr(at, end - at));
    at = end + 1;
  }
}

// The words of "=?utf-8?B?…?=" and "=?utf-8?Q?…?=" (RFC 2047), decoded.
std::vector<std::string> decoded_words(std::string_view value) {
  std::vector<std::string> words;
  for (std::size_t at = value.find("=?"); at != std::string_view::npos; at = value.find("=?", at)) {
    const std::size_t charset = value.find('?', at + 2);
    if (charset == std::string_view::npos || charset + 2 >= value.size()) break;
    const std::size_t end = value.find("?=", charset + 3);
    if (end == std::string_view::npos) break;
    std::string word(value.substr(charset + 3, end - charset - 3));
    if (value[charset + 1] == 'B' || value[charset + 1] == 'b') {
      words.push_back(decode_base64(word));
    } else {
      std::replace(word.begin(), word.end(), '_', ' ');
      Respelled decoded;
      undo(Spelling::QuotedPrintable, word, decoded);
      words.push_back(std::move(decoded.text));
    }
    at = end + 2;
  }
  return words;
}

bool is_printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte > 1) || byte == 0x7f;
  });
}

}  // namespace

Learner::Learner(Originals& originals, KeptNames& kept, const RedactionRules& rules)
    : originals_(originals),
      kept_(kept),
      rules_(rules),
      texts_([this](const SessionText::Unit& unit) {
        const std::string_view text(unit.text.data(), unit.text.size());
        if (unit.side == SessionText::Side::Server) return learn_reply(text);
        learn_line(unit.session, without_line_end(text));
      }) {
  kept.kinds = rules.kept;
  for (const std::string& word : rules.words)
    originals.add_named(word);
}

void Learner::add(const EventBatch& batch) {
  for (const Event& event : batch.events) {
    if (event.meta != nullptr && seen_.find(*event.meta) == nullptr) {
      seen_.remember(*event.meta, true);
      add(*event.meta);
    }
    if (event.origin != nullptr) learn_source(*event.origin);
    add(event);
  }
  for (const Gap& gap : batch.gaps)
    if (gap.origin != nullptr) learn_source(*gap.origin);
}

void Learner::add(const Meta& meta) {
  if (meta.form() == Meta::Form::Other) leave_out({}, meta.text());
  for (const Meta::Entry& member : meta.entries()) {
    const std::uint64_t hash = hash_of(member);
    if (members_.find(hash) != nullptr) continue;
    members_.remember(hash, true);
    static_cast<void>(visit(member, *this));
  }
}

void Learner::learn_source(const Origin& origin) {
  if (origin.source == source_) return;
  source_ = origin.source;
  learn(Kind::Label, source_);
}

void Learner::add(const Event& event) {
  session_key(event, key_);
  switch (event.kind) {
    case EventKind::Write:
    case EventKind::AbbreviatedWrite: {
      const bool alone = event.kind == EventKind::AbbreviatedWrite;
      if (alone) texts_.end_side(key_, SessionText::Side::Client);
      scratch_.assign(event.text);
      texts_.add(key_, SessionText::Side::Client, {scratch_, nullptr}, event.meta);
      if (alone || event.trimmed) texts_.end_side(key_, SessionText::Side::Client);
      return;
    }
    case EventKind::BeginSession:
    case EventKind::Connected:
    case EventKind::Closed:
      texts_.end_session(key_);
      if (const auto state = states_.find(key_); state != states_.end()) {
        end_field(state->second);
        states_.erase(state);
      }
      return;
    case EventKind::Read:
      if (rules_.patterns.empty()) return;
      scratch_.assign(event.text);
      return texts_.add(key_, SessionText::Side::Server, {scratch_, nullptr}, event.meta);
    case EventKind::Diagnostic: return learn_matches(event.text);
    default: return;
  }
}

void Learner::finish() {
  texts_.end_all();
  for (auto& [session, state] : states_)
    end_field(state);
  states_.clear();
  for (const std::string& mailbox : kept_mailboxes_) {
    const std::string domain = folded(mailbox).substr(mailbox.rfind('@') + 1);
    if (kept_.kinds[static_cast<std::size_t>(Kind::Domain)] || kept_.domains.contains(domain))
      originals_.add_public(mailbox);
  }
  originals_.finish();
}

void Learner::take(std::string& text, const Spans& spans) {
  learn_matches(text);
  learn_spans(text, spans);
}

void Learner::take_public(std::string_view text) {
  learn_matches(text);
  const std::string_view host = without_port(text);
  if (placeholder_of_word(host) == "{ipaddr}") {
    kept_.addresses.insert(usual_address(host));
    originals_.add_public(host);
    return;
  }
  kept_.add_host(text);
  originals_.add_public(text);
}

// Whatever is in it, keys too.
void Learner::leave_out(std::string_view key, std::string_view json) {
  learn_parts(key);
  learn_matches(key);
  for (std::size_t at = json.find('"'); at != std::string_view::npos; at = json.find('"', at)) {
    std::size_t end = at + 1;
    while (end < json.size() && json[end] != '"')
      end += json[end] == '\\' ? 2U : 1U;
    std::string text;
    JsonReader reader(json.substr(at, std::min(end + 1, json.size()) - at));
    if (reader.read_string(text)) {
      learn_parts(text);
      learn_matches(text);
    }
    at = std::min(end + 1, json.size());
  }
}

// A name that somebody chose, and the words that it is made of.
void Learner::learn_parts(std::string_view name) {
  originals_.add(Kind::Message, name);
  each_part(name, "_-. ", [this](std::string_view part) {
    if (part.size() >= Originals::kLeast) originals_.add(Kind::Message, part);
  });
}

void Learner::learn_line(std::string_view session, std::string_view line) {
  State& state = state_of(session);
  const bool folds = !line.empty() && kSpace.find(line.front()) != std::string_view::npos;
  constexpr std::size_t kMostField = 65536;
  if (folds && !state.field.empty() && state.field.size() < kMostField) {
    state.field += ' ';
    state.field += trimmed(line);
  } else {
    end_field(state);
  }
  const Line facts = learned_line(line);
  if (facts.value_size > 0) {
    state.field = line.substr(line.size() - facts.value_size);
    state.named = facts.named;
  }
  if (facts.logs_in) {
    state.logging_in = true;
    return;
  }
  if (facts.unknown && state.logging_in && is_base64_word(line)) learn_credential(line);
  if (!facts.unknown && !line.empty()) state.logging_in = false;
}

Learner::State& Learner::state_of(std::string_view session) {
  const auto known = states_.find(session);
  if (known != states_.end()) return known->second;
  if (states_.size() >= SessionText::kMostSessions) {
    for (auto& [other, state] : states_)
      end_field(state);
    states_.clear();
  }
  return states_[std::string(session)];
}

// What a line says whoever says it; learned when it is new.
Learner::Line Learner::learned_line(std::string_view line) {
  const std::uint64_t hash = keyed_hash(line);
  if (const Line* const known = lines_.find(hash)) return *known;
  Line facts;
  const bool command = is_smtp_command(line);
  const HeaderField field = redacted_field(line, rules_.headers);
  if (!command) {
    facts.value_size = static_cast<std::uint32_t>(field.value.size());
    facts.named =
        !rules_.headers.values_go.empty() && rules_.headers.values_go.contains(folded(field.name));
    // "text/plain" in a body is no secret where a header has it.
    originals_.add_public(kept_value(line, rules_.headers));
  }
  learn_matches(line);
  Spans spans;
  find_in_client_line(line, spans, rules_.headers);
  learn_spans(line, spans);
  facts.unknown = spans.size() == 1 && spans[0].kind == Kind::Message && spans[0].from == 0;
  facts.logs_in = has_verb(line, "AUTH");
  if (facts.unknown && !facts.logs_in) learn_unknown(line, field.name);
  return lines_.remember(hash, facts);
}

void Learner::learn_unknown(std::string_view line, std::string_view header) {
  learn_words(line);
  // "XVERB and its arguments"
  const std::string_view verb = verb_of(line);
  const bool shouted = verb.size() > 2 && std::all_of(verb.begin(), verb.end(), [](char c) {
                         return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
                       });
  if (shouted) each_part(line, " \t=,;<>", [this](std::string_view part) { learn_parts(part); });
  if (!header.empty() && !rules_.headers.names_stay.contains(folded(header))) learn_parts(header);
}

void Learner::learn_spans(std::string_view text, const Spans& spans) {
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const Span& span = spans[i];
    learn(span.kind, text.substr(span.from, span.to - span.from));
    const bool mailbox = span.kind == Kind::LocalPart && i + 1 < spans.size() &&
                         spans[i + 1].kind == Kind::Domain && spans[i + 1].from == span.to + 1;
    if (mailbox) learn(Kind::LocalPart, text.substr(span.from, spans[i + 1].to - span.from));
  }
}

void Learner::learn(Kind kind, std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return;
  if (kept_.kinds[static_cast<std::size_t>(kind)]) {
    // Of a mailbox the domain may well go.
    if (kind == Kind::LocalPart && text.find('@') != std::string_view::npos) {
      kept_mailboxes_.emplace_back(text);
    } else {
      originals_.add_public(text);
    }
    return;
  }
  switch (kind) {
    case Kind::Address: return learn_address(text);
    case Kind::Domain:
    case Kind::Host: return learn_domain(kind, text);
    case Kind::Credential: return learn_credential(text);
    default: return originals_.add(kind, text);
  }
}

void Learner::learn_address(std::string_view text) {
  const std::string_view as_written = without_port(text);
  originals_.add_address(as_written);
  const std::string address = usual_address(as_written);
  if (address != as_written) originals_.add_address(address);
  for (const std::string& other : host_spellings_of(address))
    originals_.add(Kind::Address, other);
}

void Learner::learn_domain(Kind kind, std::string_view text) {
  // "(mx1|mx2).dest.example": what such a group is of.
  if (const std::size_t end = text.find(")."); text.starts_with('(') && end < text.size())
    text.remove_prefix(end + 2);
  while (text.ends_with('.'))
    text.remove_suffix(1);
  if (placeholder_of_word(text) == "{ipaddr}") return learn_address(text);
  if (!domains_.emplace(text).second) return;
  originals_.add(kind, text);
  if (text.size() > kLongestDomain) return;
  for (const std::string& other : other_spellings(text))
    originals_.add(kind, other);
  // Its first name, which may be ours or a customer's.
  originals_.add(kind, text.substr(0, text.find('.')));
  // What it is in, up to what is sold to everybody.
  static constexpr std::array<std::string_view, 8> kSold{
      "com", "co", "org", "net", "gov", "edu", "ac", "or"};
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return;
  const std::string_view parent = text.substr(dot + 1);
  const std::string label = folded(parent.substr(0, parent.find('.')));
  const bool sold = parent.find('.') == std::string_view::npos ||
                    std::find(kSold.begin(), kSold.end(), label) != kSold.end();
  if (!sold) learn_domain(kind, parent);
}

void Learner::learn_credential(std::string_view argument) {
  originals_.add(Kind::Credential, argument);
  const std::string plain = decode_base64(argument);
  if (plain.empty() || !is_printable(plain)) return;
  using namespace std::string_view_literals;
  originals_.add(Kind::Credential, plain);
  each_part(plain, "\0\1"sv, [this](std::string_view part) {
    originals_.add(Kind::Credential, part);
    // "user=NAME", "auth=Bearer TOKEN", "n,,n=NAME,r=NONCE", "NAME DIGEST"
    each_part(part, ", ", [&](std::string_view word) {
      originals_.add(Kind::Credential, word);
      const std::size_t equals = word.find('=');
      const std::string_view value =
          word.substr(equals == std::string_view::npos ? word.size() : equals + 1);
      // It stands in the name of OAUTHBEARER, which stays.
      const bool of_scheme = part.starts_with("auth=") && same_word(value, "BEARER");
      if (!of_scheme) originals_.add(Kind::Credential, value);
    });
  });
}

// What the rules' patterns match, behind the codes, in each line and in what they say together.
void Learner::learn_reply(std::string_view reply) {
  std::string joined;
  each_part(reply, "\n", [&](std::string_view line) {
    line = without_line_end(line);
    line.remove_prefix(reply_code_size(line));
    learn_matches(line);
    joined += line;
  });
  learn_matches(joined);
}

void Learner::learn_matches(std::string_view text) {
  if (rules_.patterns.empty() || text.empty()) return;
  const std::uint64_t hash = keyed_hash(text);
  if (matched_.find(hash) != nullptr) return;
  matched_.remember(hash, true);
  rules_.patterns.each_match(text, [&](std::size_t from, std::size_t to) {
    originals_.add_named(text.substr(from, to - from));
  });
}

void Learner::end_field(State& state) {
  if (state.named) {
    originals_.add_named(trimmed(state.field));
    each_part(state.field, " \t,;=<>\"'()", [this](std::string_view word) {
      if (word.size() >= Originals::kLeast) originals_.add_named(word);
    });
  }
  learn_field(state.field);
  state.field.clear();
  state.named = false;
}

void Learner::learn_field(std::string_view value) {
  value = trimmed(value);
  if (value.empty()) return;
  const std::uint64_t hash = keyed_hash(value);
  if (fields_.find(hash) != nullptr) return;
  fields_.remember(hash, true);
  originals_.add(Kind::Message, value);
  learn_words(value);
  learn_names(value);
  learn_matches(value);
  // Each by itself, and what they say together.
  std::vector<std::string> decoded = decoded_words(value);
  std::string whole;
  for (const std::string& word : decoded)
    whole += word;
  decoded.push_back(std::move(whole));
  for (const std::string& text : decoded) {
    originals_.add(Kind::Message, trimmed(text));
    learn_words(text);
    learn_names(text);
    learn_matches(text);
  }
}

// Mailboxes and URLs of a line of a message.
void Learner::learn_words(std::string_view text) {
  const bool any =
      text.find('@') != std::string_view::npos || text.find("://") != std::string_view::npos;
  if (!any) return;
  each_part(text, " \t<>\",;()[]'", [this](std::string_view word) {
    const std::size_t sign = word.find('@');
    if (sign != std::string_view::npos && sign > 0 && sign + 1 < word.size()) {
      // "mailto:" stands before some.
      if (const std::size_t colon = word.rfind(':', sign); colon != std::string_view::npos)
        word.remove_prefix(colon + 1);
      Spans spans;
      find_in_mailbox(word, 0, spans);
      learn_spans(word, spans);
    } else if (word.find("://") != std::string_view::npos) {
      learn_url(word);
    }
  });
}

// All of it, and what of it looks like a token.
void Learner::learn_url(std::string_view url) {
  constexpr std::size_t kLong = 12;
  originals_.add(Kind::Message, url);
  const std::size_t scheme = url.find("://");
  bool host = true;
  each_part(url.substr(scheme + 3), "/?&=#;:", [&](std::string_view part) {
    const bool token = part.size() >= kLong || std::any_of(part.begin(), part.end(), [](char c) {
                         return c >= '0' && c <= '9';
                       });
    if (host) {
      learn(Kind::Domain, part);
    } else if (token && part.size() >= Originals::kLeast) {
      originals_.add(Kind::Message, part);
    }
    host = false;
  });
}

// "NAME" in quotes, and NAME before a mailbox in angle brackets.
void Learner::learn_names(std::string_view text) {
  const std::size_t quote = text.find('"');
  const std::size_t until = quote == std::string_view::npos ? quote : text.find('"', quote + 1);
  if (until != std::string_view::npos)
    originals_.add(Kind::Message, text.substr(quote + 1, until - quote - 1));
  const std::size_t angle = text.find('<');
  if (angle != std::string_view::npos && text.find('@', angle) != std::string_view::npos)
    originals_.add(Kind::Message, trimmed(text.substr(0, angle)));
}

}  // namespace smtptape
