// Replies that differ only in what belongs to one message or recipient are the same: addresses,
// ids, hashes, times become placeholders.
//
// The kinds and their names are those of KumoMTA's normalize_smtp_response, so that its logs and
// our figures can be laid side by side.  It knows a dictionary and leaves its words alone; without
// one, a word counts as base64 only where it can't be plain words. Pure.
#pragma once

#include <string>
#include <string_view>

namespace smtptape {

// "550 5.1.1 <a@b.example>: no, see 10.0.0.1" → "550 5.1.1 {email}: no, see {ipaddr}".  The lines
// of a reply become one, their codes once; runs of blanks become one.
[[nodiscard]] std::string normal_reply(std::string_view reply);

// "{email}" and the like, for a word that is one as a whole; empty: it is none of these.
[[nodiscard]] std::string_view placeholder_of_word(std::string_view word);

}  // namespace smtptape
