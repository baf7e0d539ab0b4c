// Files that are read, by the names that the user gave.
//
// A command opens its inputs several times: to look what they are, to choose sessions, to read.
// What gives its bytes only once, a pipe (a FIFO, /dev/stdin, <(…) of a shell), is therefore put
// into an unlinked file first, and read from there under its own name; so is the tape of a ZIP
// archive, which stands for it.  "-" as a pipe is not among these: who reads it says whether once
// is enough.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/io.h"

namespace smtptape {

// Its bytes come once.
[[nodiscard]] bool is_pipe(const std::filesystem::path& path);

// Throws UsageError when standard output goes into the file, which would be spoilt.
void refuse_standard_output_as_input(const std::filesystem::path& path);

// Prepares what was named for open_input().  Throws UsageError for a device, for standard input
// that is named twice, and when standard output is one of the files.
void prepare_inputs(const std::vector<std::string>& names);

// A file whose tape stands for it (prepare_inputs()).
[[nodiscard]] bool is_unpacked_zip(const std::filesystem::path& path);
// What a copy of the tape is called, in another directory: as the file, and if that was an archive
// a tape by its name, too: "bob.trace.zip" is copied to "bob.tape".
[[nodiscard]] std::filesystem::path name_of_copy(const std::filesystem::path& path);

// "-" gives its bytes only once, as it is.
[[nodiscard]] bool is_standard_input_read_once();

// From its beginning, however often; of "-", if it is a file, from where that stood.
[[nodiscard]] UniqueFd open_input(const std::filesystem::path& path, Links links = Links::Follow);

}  // namespace smtptape
