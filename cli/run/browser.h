// A page for the person at this machine, in the browser that $BROWSER names.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace smtptape {

// The command lines of $BROWSER, which are separated by colons, for this address: it stands where
// "%s" is, or behind the last word.  No shell sees them.
[[nodiscard]] std::vector<std::vector<std::string>> browser_commands(const std::string& browser,
                                                                     const std::string& address);

// Runs the first of them that can be run, until it ends.  False: there is none.
[[nodiscard]] bool open_in_browser(const std::filesystem::path& page);

// A name for a page that nobody else can read, and where it is not kept for long:
// $XDG_RUNTIME_DIR, else the temporary directory.  Pages that were made there more than a day ago
// are removed.
[[nodiscard]] std::filesystem::path name_for_page();

}  // namespace smtptape
