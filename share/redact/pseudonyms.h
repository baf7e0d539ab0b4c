// What stands in a result for what was taken out: a name of the same length and shape, the same for
// the same name within one result, and another in every other.
//
// Letters become letters, digits digits; what is in capitals stays so; whatever else is ASCII
// stays. A domain's labels are replaced one by one, so that a host is still seen to be in its
// domain; an address keeps which of its bytes are the same as another's from the front. Credentials
// and messages become asterisks.
//
// The key is 32 random bytes.  Who has it can't turn a pseudonym back, but can try names; it is
// thrown away unless somebody asks for the map.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/keyed_digest.h"
#include "share/redact/spans.h"
#include "share/redact/texts.h"

namespace smtptape {

using PseudonymKey = DigestKey;

// What is longer is no name of a host (RFC 1035), and has no labels that anybody knows.
inline constexpr std::size_t kLongestDomain = 255;

// Names that stay as they are, in lower case.
struct KeptNames {
  std::array<bool, kKinds> kinds{};  // whole classes
  TextSet domains;                   // and what ends in them
  TextSet addresses;                 // as usual_address() writes them

  // The host's name, and each domain that it is in.
  void add_host(std::string_view host);
};

class Pseudonyms {
 public:
  // Whether a text must not be in the result: no pseudonym is such a text.
  using IsTaboo = std::function<bool(std::string_view)>;
  Pseudonyms(const PseudonymKey& key, KeptNames kept, IsTaboo is_taboo);

  // Overwrites the spans of `text`.
  void replace(std::span<char> text, const Spans& spans);
  // 16 bytes that stand for others.
  [[nodiscard]] std::array<std::uint8_t, 16> id_of(std::string_view bytes);
  // How many bytes of each class were overwritten, and how many places.
  struct Count {
    std::uint64_t places = 0;
    std::uint64_t bytes = 0;
    Count operator-(const Count& other) const {
      return {places - other.places, bytes - other.bytes};
    }
  };
  [[nodiscard]] const std::array<Count, kKinds>& counts() const { return counts_; }
  // The same was overwritten once more, elsewhere.
  void count(const std::array<Count, kKinds>& again) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      counts_[kind].places += again[kind].places;
      counts_[kind].bytes += again[kind].bytes;
    }
  }
  // What stands for what, by class: sorted.
  [[nodiscard]] std::map<std::pair<Kind, std::string>, std::string> all() const;

 private:
  using Known = TextMap<std::string>;

  void replace_one(std::span<char> text, Kind kind);
  [[nodiscard]] const std::string& of(Kind kind, const std::string& folded);
  [[nodiscard]] std::string name(std::string_view use, std::string_view folded);
  [[nodiscard]] std::string domain(const std::string& folded);
  [[nodiscard]] std::size_t kept_from(const std::string& folded) const;
  [[nodiscard]] std::string with_other_labels(const std::string& folded,
                                              std::size_t kept,
                                              unsigned attempt);
  [[nodiscard]] std::string address(const std::string& folded);
  [[nodiscard]] std::string address4(const std::string& one);
  [[nodiscard]] std::string address6(const std::string& one);
  [[nodiscard]] std::string other_number(std::string_view digits,
                                         unsigned base,
                                         const std::string& before);
  [[nodiscard]] std::string shaped(std::string_view use, std::string_view folded, unsigned attempt);

  KeyedDigester digester_;
  KeptNames kept_;
  IsTaboo is_taboo_;
  std::array<Known, kKinds> known_;
  Known labels_;   // of domains, with what stands behind them
  TextSet taken_;  // with their use
  std::array<Count, kKinds> counts_{};
};

}  // namespace smtptape
