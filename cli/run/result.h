// Where the result of a command goes: a file under a name of the user's, or "-", standard output.
//
// An output is never one of the inputs, by whatever name, whether it may be replaced or not: what
// would be left of a night is what was chosen of it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/io.h"
#include "cli/text/output.h"
#include "store/read/inputs.h"

namespace smtptape {

// Throws UsageError when `output` is one of the files that `inputs` name, or one of the tapes in
// a directory among them.  To be asked before anything is read or written.
void refuse_input_as_output(const std::filesystem::path& output,
                            const std::vector<std::string>& inputs);
// A file that an option names, "--map" for one.
struct NamedFile {
  std::string option;
  std::filesystem::path path;
};
// Throws UsageError when the file that `written` names is one of these, or one of `inputs`, by
// whatever name, be it there already or not.  Likewise to be asked before anything is written.
void refuse_shared_file(const NamedFile& written,
                        const std::vector<NamedFile>& others,
                        const std::vector<std::string>& inputs);
// The same for copies of the files, each under its own name in `directory`.
void refuse_inputs_as_copies(const std::filesystem::path& directory,
                             const std::vector<ListedTape>& files);
// Throws UsageError for "-": what is written are files in a directory.
void refuse_standard_output(const std::string& directory);
// Throws UsageError for an input without a name that its copy could have.
void refuse_pipes(const std::vector<std::string>& inputs);

class Result : public ByteSink {
 public:
  enum class Content : std::uint8_t {
    Json,  // on a terminal with nothing in it that it would obey
    Bytes,
    Tape,  // nothing for a terminal
    Page,  // likewise
    Packed,
    Packets,
  };
  // What is read stands in `inputs`.  Throws UsageError for what can't be written to, Error when
  // the name is taken and may not be replaced.
  Result(const std::string& output,
         bool force,
         Content content,
         const std::vector<std::string>& inputs);

  void write(std::string_view bytes) override;
  // A file has its name when this returns.  Little is written to
  // standard output before this: where nothing was to be said, nothing was.
  void commit();
  // For messages.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_file() const { return file_ != nullptr; }

 private:
  void write_held_back();
  void put(std::string_view bytes);  // to standard output

  std::string name_;
  std::string held_back_;  // of standard output
  std::unique_ptr<OutputFile> file_;
  bool json_ = false;
  std::unique_ptr<StandardOutput> standard_;
};

}  // namespace smtptape
