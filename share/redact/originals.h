// Everything that must not be in a result, and where a text has it.
//
// A text of kLeast characters or more is found wherever it stands, in any case and in any spelling
// (smtp/spellings.h); numbers and addresses only where no digit goes on.  What is shorter would be
// found in every other word: it counts as a whole value only (is_original()).  What is public by
// itself, or a word of SMTP's or KumoMTA's, is no original.
//
// Of each no more than a hash is kept: a store's bodies have millions of lines.  First everything
// is added, then finish(), then it is asked, by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "share/redact/spans.h"
#include "share/redact/windows.h"

namespace smtptape {

class Originals {
 public:
  static constexpr std::size_t kLeast = kWindowBytes;
  static constexpr std::size_t kMost = 8'000'000;  // of them: about 40 bytes each
  // Of a longer one its beginning is enough to know it by.
  static constexpr std::size_t kMostBytes = 4096;

  // Throws Error when there are too many.
  void add(Kind kind, std::string_view text);
  // However it is written.
  void add_address(std::string_view text);
  // What somebody named, be it known to everybody or not.
  void add_named(std::string_view text);
  // A name that is kept on purpose: what stands in it is no original.
  void add_public(std::string_view text);
  void finish();

  // What is public, in lower case; to be told.
  [[nodiscard]] const std::vector<std::string>& kept() const { return kept_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  // The rules named something.
  [[nodiscard]] bool has_named() const { return has_named_; }
  // Somebody logged in.
  [[nodiscard]] bool has_credentials() const { return has_credentials_; }

  struct Found {
    std::size_t from = 0;
    std::size_t to = 0;
    Kind kind = Kind::Message;
    bool spelled = false;  // in another way than it was seen
  };
  // Appends where `text` has one as it is, or, an address, in any form.
  void find(std::string_view text, std::vector<Found>& found) const;
  // Any as it is.
  [[nodiscard]] bool has_any(std::string_view text) const;
  // Appends where it has one in another spelling.
  void find_spelled(std::string_view text, std::vector<Found>& found) const;
  // It is one as a whole, of any length.
  [[nodiscard]] bool is_original(std::string_view text) const;

 private:
  struct Entry {
    std::uint64_t window = 0;  // its first kLeast bytes
    std::uint64_t hash = 0;    // of all of it
    std::uint32_t size = 0;
    Kind kind = Kind::Message;
    bool stands_alone = false;  // no digit goes on
    bool operator<(const Entry& other) const;
  };
  void add_folded(Kind kind, const std::string& folded);
  template <class Take>
  void look_through(std::string_view text, const Take& take) const;
  template <class Take>
  void look_at(std::string_view low, std::size_t at, std::size_t first, const Take& take) const;
  void build();
  [[nodiscard]] bool leave_out_public();

  std::vector<Entry> entries_;
  boost::unordered_flat_set<std::uint64_t> added_;   // hashes of what was added, as it was
  boost::unordered_flat_set<std::uint64_t> wholes_;  // of all, short ones too
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> first_;  // entry of a window
  // Hashes of addresses.
  boost::unordered_flat_set<std::uint64_t> addresses_;
  Windows windows_;  // which windows there are
  bool has_credentials_ = false;
  bool has_named_ = false;
  std::vector<std::string> public_;
  std::vector<std::string> kept_;
};

// In lower case where it is ASCII: how they are compared.
[[nodiscard]] std::string folded(std::string_view text);

}  // namespace smtptape
