// Overwrites secrets: in a text, and in the values of metadata.
#pragma once

#include <span>
#include <vector>

#include "format/meta.h"
#include "smtp/dialogue.h"

namespace smtptape {

// Whole characters become asterisks, as many as they had bytes, so that what is left is UTF-8; line
// ends stay.  Returns whether there was anything to overwrite.
bool mask(std::span<char> text, const std::vector<ByteRange>& secrets);

// Null when no value repeats a secret of the dialogue.  Keys and the session's id stay.
[[nodiscard]] MetaPtr masked_meta(const Meta& meta, const SmtpDialogue& dialogue);

}  // namespace smtptape
