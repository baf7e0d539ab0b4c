// Archives are read as they were written, whoever wrote them, and what fails is told.
#include "base/zip_file.h"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using testing::write_file;

std::string zip_of(const std::map<std::string, std::string>& members) {
  StringSink out;
  ZipWriter zip(out);
  for (const auto& [name, text] : members) {
    StringSource source(text);
    const bool stored = name.ends_with(".tape");
    zip.add(name,
            stored ? ZipWriter::Packing::Store : ZipWriter::Packing::Deflate,
            text.size(),
            source);
  }
  zip.finish();
  return out.take();
}

class ZipFile : public ::testing::Test {
 protected:
  [[nodiscard]] std::map<std::string, std::string> read(const std::string& bytes) const {
    const std::string path = directory_ / "a.zip";
    write_file(path, bytes);
    const UniqueFd fd = open_for_reading(path);
    EXPECT_TRUE(is_zip(fd.get()));
    std::map<std::string, std::string> members;
    ZipReader zip(fd.get(), path);
    while (const auto name = zip.next()) {
      std::string& text = members[*name];
      std::string piece(1000, '\0');
      while (const std::size_t got = zip.read(piece.data(), piece.size()))
        text.append(piece, 0, got);
    }
    return members;
  }

  TemporaryDirectory directory_;
};

TEST_F(ZipFile, HasWhatWasPutIntoIt) {
  const std::map<std::string, std::string> members{{"index.html", std::string(300'000, 'x')},
                                                   {"empty.txt", ""},
                                                   {"bytes.tape", std::string("\0\x1b\xff", 3)}};
  const std::string bytes = zip_of(members);
  EXPECT_EQ(read(bytes), members);
  EXPECT_LT(bytes.size(), 10'000U);
  // What is stored stands in it as it is.
  EXPECT_NE(bytes.find(members.at("bytes.tape")), std::string::npos);
  EXPECT_EQ(zip_of(members), bytes);
}

TEST_F(ZipFile, ThatWasChangedIsNotReadAsIfItWasNot) {
  const std::map<std::string, std::string> members{{"a.tape", std::string(5000, 'x')}};
  std::string bytes = zip_of(members);
  bytes[bytes.find("xxxx") + 100] = 'y';
  EXPECT_THROW(static_cast<void>(read(bytes)), Error);
  const std::string cut = zip_of(members).substr(0, 3000);
  EXPECT_THROW(static_cast<void>(read(cut)), Error);
}

TEST_F(ZipFile, IsToldFromWhatIsNone) {
  const std::string path = directory_ / "a";
  for (const std::string text : {"", "PK", "PK\x03", "{}"}) {
    write_file(path, text);
    EXPECT_FALSE(is_zip(open_for_reading(path).get())) << text;
  }
}

struct DiskIsFull {};
class FullSink : public ByteSink {
 public:
  void write(std::string_view /*bytes*/) override { throw DiskIsFull(); }
};
class BrokenSource : public ByteSource {
 public:
  std::size_t read(char* /*to*/, std::size_t /*size*/) override { throw Error("torn"); }
};

TEST_F(ZipFile, WhatTheSinkOrTheSourceThrowsComesOut) {
  FullSink full;
  const auto write = [&full] {
    ZipWriter zip(full);
    const std::string text(1 << 20, 'x');
    StringSource source(text);
    zip.add("a", ZipWriter::Packing::Store, text.size(), source);
    zip.finish();
  };
  EXPECT_THROW(write(), DiskIsFull);
  StringSink out;
  {
    ZipWriter zip(out);
    BrokenSource broken;
    EXPECT_THROW(zip.add("a", ZipWriter::Packing::Store, 10, broken), Error);
  }
  // What is not whole has no end that looks as if it was.
  EXPECT_EQ(out.text().find("PK\x05\x06"), std::string::npos);
}

}  // namespace
}  // namespace smtptape
