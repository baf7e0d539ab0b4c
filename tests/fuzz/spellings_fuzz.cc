// Whatever is respelled: each byte that comes out has its place, places come in order, and what is
// not open stays as it is when the text goes on.
#include "smtp/spellings.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using smtptape::Digits;
using smtptape::Respelled;
using smtptape::Spelling;

void check_places(const Respelled& out, std::string_view text) {
  SMTPTAPE_CHECK(out.text.size() == out.places.size());
  SMTPTAPE_CHECK(out.open <= text.size());
  Respelled::Place before{0, 0};
  for (const Respelled::Place& place : out.places) {
    SMTPTAPE_CHECK(place.from < place.to && place.to <= text.size());
    SMTPTAPE_CHECK(place.from >= before.from && place.to >= before.to);
    before = place;
  }
}

// `whole` is of a text that begins with that of `begun`.
void check_goes_on(const Respelled& begun, const Respelled& whole) {
  for (std::size_t i = 0; i < begun.places.size() && begun.places[i].to <= begun.open; ++i) {
    SMTPTAPE_CHECK(i < whole.text.size() && whole.text[i] == begun.text[i]);
    SMTPTAPE_CHECK(whole.places[i].from == begun.places[i].from);
    SMTPTAPE_CHECK(whole.places[i].to == begun.places[i].to);
  }
}

template <class Undo>
void check(std::string_view text, std::size_t split, Undo undo) {
  Respelled whole;
  Respelled begun;
  undo(text, whole);
  undo(text.substr(0, split), begun);
  check_places(whole, text);
  check_places(begun, text.substr(0, split));
  check_goes_on(begun, whole);
}

void check_spelling(Spelling spelling, std::string_view text, std::size_t split) {
  check(text, split, [spelling](std::string_view of, Respelled& out) {
    smtptape::undo(spelling, of, out);
    SMTPTAPE_CHECK(out.changed || out.text == of);
    SMTPTAPE_CHECK(out.text.size() <= of.size());
  });
}

void check_digits(Digits digits, std::string_view text, std::size_t split) {
  const unsigned bits = digits == Digits::Base64 ? 6 : 4;
  for (unsigned skip = 0; skip <= bits; ++skip) {
    check(text, split, [digits, skip](std::string_view of, Respelled& out) {
      smtptape::undo(digits, skip, of, out);
      SMTPTAPE_CHECK(out.text.size() <= of.size());
    });
  }
}

}  // namespace

// The first byte says where the text is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t split = data[0] % size;
  for (const Spelling spelling : smtptape::kSpellings)
    check_spelling(spelling, text, split);
  check_digits(Digits::Base64, text, split);
  check_digits(Digits::Hex, text, split);
  const std::string decoded = smtptape::decode_base64(text);
  SMTPTAPE_CHECK(decoded.size() <= text.size() / 4 * 3 + 3);
  return 0;
}
