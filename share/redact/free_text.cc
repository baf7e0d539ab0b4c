#include "share/redact/free_text.h"

#include <algorithm>
#include <array>

#include "share/redact/client_line.h"
#include "smtp/normal_reply.h"
#include "smtp/reply_lines.h"
#include "smtp/words.h"

namespace smtptape {

namespace {

using Found = Originals::Found;

constexpr std::size_t kCode = 3;
constexpr std::string_view kGoOn = "334";  // a challenge of AUTH

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// ---- shapes ----

// Names of ciphers look like hashes.
bool is_of_tls(std::string_view word) {
  static constexpr std::array<std::string_view, 5> kParts{"TLS", "AES", "SHA", "ECDSA", "CHACHA"};
  return std::any_of(kParts.begin(), kParts.end(), [word](std::string_view part) {
    return word.find(part) != std::string_view::npos;
  });
}

// "host-192-0-2-7.isp.example": names of hosts look like hashes, and are not ours but where they
// are known to be.
bool is_host_name(std::string_view word) {
  const std::size_t dot = word.rfind('.');
  if (dot == std::string_view::npos || word.size() < dot + 3) return false;
  return std::all_of(word.begin() + static_cast<std::ptrdiff_t>(dot) + 1, word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

// By its alphabet alone many a word is base64.
bool is_long_mix(std::string_view word) {
  constexpr std::size_t kShortest = 12;
  const bool digit = std::any_of(word.begin(), word.end(), is_digit);
  return word.size() >= kShortest && (digit || word.ends_with('='));
}

bool take_shape(std::string_view word, std::size_t at, std::vector<Found>& found) {
  const std::string_view kind = placeholder_of_word(word);
  const auto add = [&](Kind as) {
    found.push_back({at, at + word.size(), as, false});
    return true;
  };
  if (kind == "{email}") return add(Kind::LocalPart);
  if (kind == "{ipaddr}") return add(Kind::Address);
  if (is_of_tls(word) || is_host_name(word)) return false;
  const bool id = kind == "{uuid}" || kind == "{hash}" || (kind == "{base64}" && is_long_mix(word));
  return id && add(Kind::Id);
}

// A word, or the parts of one: of a URL, of an assignment, in brackets.
void find_in_word(std::string_view word, std::size_t at, std::vector<Found>& found) {
  constexpr std::string_view kEnds = "<>\"'`()[]{}.,;:!?";
  constexpr std::size_t kMost = 2048;
  if (word.size() > kMost) {
    found.push_back({at, at + word.size(), Kind::Id, false});
    return;
  }
  if (take_shape(word, at, found)) return;
  const std::size_t from = std::min(word.find_first_not_of(kEnds), word.size());
  const std::size_t to = word.find_last_not_of(kEnds) + 1;
  if (from >= to) return;
  const std::string_view core = word.substr(from, to - from);
  if (core.size() < word.size()) return find_in_word(core, at + from, found);
  // An address of version 6 has colons itself: "[IPv6:2001:db8::1]", "[2001:db8::1]:25".
  constexpr std::string_view kVersion6 = "IPV6:";
  if (same_word(word.substr(0, kVersion6.size()), kVersion6))
    return find_in_word(word.substr(kVersion6.size()), at + kVersion6.size(), found);
  std::string_view between = "=/?&#;,<>()[]{}\"'`|";
  if (word.find_first_of(between) == std::string_view::npos) between = ":";
  if (word.find_first_of(between) == std::string_view::npos) return;
  // "http://host/p?u=bob@dest.example": a part of it may be one.
  for (std::size_t part = 0; part < word.size();) {
    const std::size_t end = std::min(word.find_first_of(between, part), word.size());
    if (end > part) find_in_word(word.substr(part, end - part), at + part, found);
    part = end + 1;
  }
}

void find_shapes(std::string_view text, std::vector<Found>& found) {
  constexpr std::string_view kBlank = " \t\r\n\f";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(kBlank, at), text.size());
    if (end > at) find_in_word(text.substr(at, end - at), at, found);
    at = end + 1;
  }
}

// ---- words ----

bool is_of_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
         static_cast<unsigned char>(c) >= 0x80;
}

void find_short(std::string_view text, const ShortValues& values, std::vector<Found>& found) {
  if (values.empty()) return;
  const std::string low = folded(text);
  for (const auto& [value, kind] : values) {
    for (std::size_t at = low.find(value); at != std::string::npos; at = low.find(value, at + 1)) {
      const std::size_t to = at + value.size();
      const bool alone =
          (at == 0 || !is_of_word(low[at - 1])) && (to == low.size() || !is_of_word(low[to]));
      if (alone) found.push_back({at, to, kind, false});
    }
  }
}

// A repetition of what AUTH sent was overwritten where it was sure to be one: its first bytes, and
// what else is of the same word, go as well.
void find_half_masked(std::string_view text, std::vector<Found>& found) {
  constexpr std::string_view kMask = "***";
  constexpr std::string_view kEnds = " \t\r\n\"'<>()[]{},;";
  for (std::size_t at = text.find(kMask); at != std::string_view::npos;) {
    const std::size_t before = at == 0 ? at : text.find_last_of(kEnds, at - 1);
    const std::size_t from = at == 0 || before == std::string_view::npos ? 0 : before + 1;
    const std::size_t to = std::min(text.find_first_of(kEnds, at), text.size());
    found.push_back({from, to, Kind::Credential, false});
    at = text.find(kMask, to);
  }
}

// "authenticating as NAME via SMTP AUTH …"
void find_login_name(std::string_view text, std::vector<Found>& found) {
  constexpr std::string_view kBefore = "authenticating as ";
  constexpr std::string_view kBehind = " via SMTP AUTH";
  const std::size_t at = text.find(kBefore);
  if (at == std::string_view::npos) return;
  const std::size_t from = at + kBefore.size();
  const std::size_t to = std::min(text.find(kBehind, from), text.size());
  if (from < to) found.push_back({from, to, Kind::Credential, false});
}

// ---- from what was found to spans ----

void add_span(std::string_view text, const Found& found, Spans& spans) {
  const std::string_view what = text.substr(found.from, found.to - found.from);
  const bool mailbox =
      found.kind == Kind::LocalPart && !found.spelled && what.find('@') != std::string_view::npos;
  if (mailbox) return find_in_mailbox(what, found.from, spans);
  spans.push_back({found.from, found.to, found.kind});
}

// What may not be kept goes before what may be, and what is overwritten before that.
bool outranks(Kind a, Kind b) {
  return becomes_asterisks(a) || (always_goes(a) && !always_goes(b));
}

// What overlaps is one: of the kind of the one that covers the others, else it goes as an id.
Spans as_spans(std::string_view text, std::vector<Found>& found) {
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return a.from != b.from ? a.from < b.from : a.to > b.to;
  });
  Spans spans;
  for (std::size_t i = 0; i < found.size();) {
    Found whole = found[i];
    std::size_t next = i + 1;
    for (; next < found.size() && found[next].from < whole.to; ++next) {
      const Found& other = found[next];
      if (outranks(other.kind, whole.kind)) whole.kind = other.kind;
      if (other.to <= whole.to) continue;
      whole.to = other.to;
      if (!always_goes(whole.kind)) whole.kind = Kind::Id;
    }
    if (whole.spelled && !always_goes(whole.kind)) whole.kind = Kind::Id;
    add_span(text, whole, spans);
    i = next;
  }
  return spans;
}

void find_matches(std::string_view text, const LinePatterns* patterns, std::vector<Found>& found) {
  if (patterns == nullptr) return;
  patterns->each_match(text, [&found](std::size_t from, std::size_t to) {
    found.push_back({from, to, Kind::Named, false});
  });
}

void find_known(std::string_view text, const FreeText& how, std::vector<Found>& found) {
  find_matches(text, how.patterns, found);
  how.originals.find(text, found);
  how.originals.find_spelled(text, found);
  if (how.short_values != nullptr) find_short(text, *how.short_values, found);
}

// ---- replies ----

struct Line {
  std::size_t from = 0;  // of its words, in the reply
  std::size_t to = 0;
};

// What a server says while a client logs in: "Username:" and "Password:" say nothing.
bool is_challenge(std::string_view line) {
  static constexpr std::array<std::string_view, 2> kPrompts{"VXNlcm5hbWU6", "UGFzc3dvcmQ6"};
  if (!line.starts_with(kGoOn)) return false;
  const std::string_view words = line.substr(std::min(kCode + 1, line.size()));
  return std::find(kPrompts.begin(), kPrompts.end(), words) == kPrompts.end();
}

// Where in the reply each byte of the lines' words, put together, stands.
struct Joined {
  std::string text;
  std::vector<std::size_t> places;
};

Joined join(std::string_view reply, const std::vector<Line>& lines) {
  Joined joined;
  for (const Line& line : lines) {
    joined.text.append(reply.substr(line.from, line.to - line.from));
    for (std::size_t at = line.from; at < line.to; ++at)
      joined.places.push_back(at);
  }
  return joined;
}

// What goes on over a line's end becomes a piece in each line.
void add_torn(const Joined& joined, const Found& torn, std::vector<Found>& found) {
  for (std::size_t i = torn.from; i < torn.to;) {
    std::size_t next = i + 1;
    while (next < torn.to && joined.places[next] == joined.places[next - 1] + 1)
      ++next;
    const Kind kind = always_goes(torn.kind) ? torn.kind : Kind::Id;
    found.push_back({joined.places[i], joined.places[next - 1] + 1, kind, true});
    i = next;
  }
}

}  // namespace

std::size_t reply_code_size(std::string_view line) {
  const bool coded = line.size() >= kCode && is_digit(line[0]) && is_digit(line[1]) &&
                     is_digit(line[2]) &&
                     (line.size() == kCode || line[kCode] == ' ' || line[kCode] == '-');
  if (!coded) return 0;
  std::size_t size = std::min(kCode + 1, line.size());
  const std::string_view enhanced = enhanced_code(line);
  if (!enhanced.empty()) size += enhanced.size();
  if (!enhanced.empty() && size < line.size() && line[size] == ' ') ++size;
  return size;
}

Spans FreeText::in_diagnostic(std::string_view text) const {
  std::vector<Found> found;
  find_known(text, *this, found);
  find_login_name(text, found);
  if (originals.has_credentials()) find_half_masked(text, found);
  // What a handshake agreed on is theirs, and looks like many things.
  if (!text.starts_with("STARTTLS handshake ->")) find_shapes(text, found);
  return as_spans(text, found);
}

Spans FreeText::in_reply(std::string_view text) const {
  std::vector<Found> found;
  std::vector<Line> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = without_line_end(text.substr(at, end - at));
    const std::size_t code = reply_code_size(line);
    if (code == 0 && !line.empty()) {
      found.push_back({at, at + line.size(), Kind::Message, false});
    } else if (is_challenge(line)) {
      found.push_back({at + kCode + 1, at + line.size(), Kind::Credential, false});
    } else {
      const std::string_view words = line.substr(code);
      const std::size_t before = found.size();
      if (!line.starts_with(kGoOn)) find_shapes(words, found);
      if (originals.has_credentials()) find_half_masked(words, found);
      if (short_values != nullptr) find_short(words, *short_values, found);
      find_matches(words, patterns, found);
      for (std::size_t i = before; i < found.size(); ++i) {
        found[i].from += at + code;
        found[i].to += at + code;
      }
      lines.push_back({at + code, at + line.size()});
    }
    at = end + 1;
  }
  const Joined joined = join(text, lines);
  std::vector<Found> known;
  find_matches(joined.text, patterns, known);
  originals.find(joined.text, known);
  originals.find_spelled(joined.text, known);
  for (const Found& one : known) {
    const std::size_t from = joined.places[one.from];
    const std::size_t to = joined.places[one.to - 1] + 1;
    if (to - from == one.to - one.from) {
      found.push_back({from, to, one.kind, one.spelled});
    } else {
      add_torn(joined, one, found);
    }
  }
  return as_spans(text, found);
}

}  // namespace smtptape
