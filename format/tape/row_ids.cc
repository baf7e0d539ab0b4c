#include "format/tape/row_ids.h"

#include <algorithm>
#include <string>

namespace smtptape {

namespace {

enum class IdForm : std::int64_t { Text = 0, Uuid = 1, Hex = 2, Hash = 3 };
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kHashBytes = 8;

constexpr bool has_hyphen(std::size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string id_text(std::string_view bytes, IdForm form) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (form == IdForm::Uuid && has_hyphen(i)) out.push_back('-');
    const auto byte = static_cast<unsigned char>(bytes[i]);
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

// The 16 bytes that such a text stands for; empty: it is another.
std::string id_bytes(std::string_view text, IdForm form) {
  std::string out;
  while (text.size() >= 2 && out.size() < kIdBytes) {
    if (form == IdForm::Uuid && has_hyphen(out.size())) {
      if (text.front() != '-' || text.size() < 3) return {};
      text.remove_prefix(1);
    }
    const int high = hex_digit(text[0]);
    const int low = hex_digit(text[1]);
    if (high < 0 || low < 0) return {};
    out.push_back(static_cast<char>(high * 16 + low));
    text.remove_prefix(2);
  }
  return out.size() == kIdBytes && text.empty() ? out : std::string();
}

}  // namespace

void write_ids(tape::SessionRows::Builder to, const std::vector<SessionRow>& rows) {
  std::vector<std::int64_t> forms, lengths;
  std::string texts, bytes, hashes;
  for (const SessionRow& row : rows) {
    IdForm form = row.id.size() == 36 ? IdForm::Uuid : IdForm::Hex;
    const std::string packed = row.id_hashed ? std::string() : id_bytes(row.id, form);
    if (row.id_hashed) {
      form = IdForm::Hash;
      hashes += row.id;
    } else if (!packed.empty()) {
      bytes += packed;
    } else {
      form = IdForm::Text;
      texts += row.id;
      lengths.push_back(static_cast<std::int64_t>(row.id.size()));
    }
    forms.push_back(static_cast<std::int64_t>(form));
  }
  write_column(forms, [&] { return to.initIdForm(); });
  write_column(lengths, [&] { return to.initIdTextLength(); });
  if (!texts.empty()) to.setIdTexts(as_data(texts));
  if (!bytes.empty()) to.setIdBytes(as_data(bytes));
  if (!hashes.empty()) to.setIdHashes(as_data(hashes));
}

void read_ids(tape::SessionRows::Reader from, std::vector<SessionRow>& rows) {
  const std::vector<std::int64_t> forms = entries_of(from.getIdForm(), rows.size());
  const auto texts_of = std::count(forms.begin(), forms.end(), std::int64_t{0});
  const auto lengths = entries_of(from.getIdTextLength(), static_cast<std::size_t>(texts_of));
  std::string_view texts = as_view(from.getIdTexts());
  std::string_view bytes = as_view(from.getIdBytes());
  std::string_view hashes = as_view(from.getIdHashes());
  auto length = lengths.begin();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    switch (const auto form = static_cast<IdForm>(forms[i])) {
      case IdForm::Text: rows[i].id = take(texts, *length++); break;
      case IdForm::Uuid:
      case IdForm::Hex: rows[i].id = id_text(take(bytes, kIdBytes), form); break;
      case IdForm::Hash:
        rows[i].id = take(hashes, kHashBytes);
        rows[i].id_hashed = true;
        break;
      default: throw Error("an id of a session row has an unknown form");
    }
  }
}

}  // namespace smtptape
