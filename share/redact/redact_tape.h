// A tape without what must not leave the house.
//
// Three readings: what there is to take out (Learner), the tape without it (Redactor), and a look
// through the result for every original in every spelling (LeakCheck).  If one of them is there
// nothing comes out.  Each reads behind who writes: the first behind the copy of what was chosen,
// the third behind the second, on threads of their own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/io.h"
#include "base/temporary_file.h"
#include "format/tape/tape_info.h"
#include "format/tape/tape_options.h"
#include "share/redact/leak_check.h"
#include "share/redact/originals.h"
#include "share/redact/pseudonyms.h"
#include "share/redact/redactor.h"
#include "share/redact/rules.h"

namespace smtptape {

// The note of a tape that was redacted: which classes were left as they were, "nothing" or
// "domains,hosts".
inline constexpr std::string_view kRedactedNote = "redacted";

// What the original tells of what must not be in the result.
struct Learned {
  RedactionRules rules;
  Originals originals;
  KeptNames kept;
  TapeHeader header;
  std::uint64_t digest = 0;  // of what was read
};
// Reads a whole tape.
void learn(ByteSource& tape, Learned& learned);

struct RedactionReport {
  std::uint64_t events = 0;
  std::size_t originals = 0;  // that were looked for
  std::array<Pseudonyms::Count, kKinds> counts{};
  Omitted omitted;
  // Names that stay because an MX host has them: the domains of recipients, most of them.
  std::vector<std::string> kept_names;
  std::vector<Leak> leaks;  // then there is no result
};

struct RedactedTape {
  std::unique_ptr<TemporaryFile> tape;  // null: something would have leaked
  RedactionReport report;
  std::unique_ptr<Pseudonyms> pseudonyms;  // what stands for what
  PseudonymKey key{};
  std::shared_ptr<const Originals> originals;  // for texts that go with the tape
};

// `original` is the tape that `learned` tells of.  Without a key, one that nobody knows; with one,
// the same tape and rules give the same bytes.
[[nodiscard]] RedactedTape redact_tape(const TemporaryFile& original,
                                       const std::shared_ptr<const Learned>& learned,
                                       const std::optional<PseudonymKey>& key,
                                       const TapeHeader& fresh,
                                       const TapeOptions& options);

}  // namespace smtptape
