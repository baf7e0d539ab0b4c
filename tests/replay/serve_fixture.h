// A server over what a test makes up, on a thread of its own.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "format/wire/wire.h"
#include "replay/serve.h"

namespace smtptape {

inline constexpr std::chrono::seconds kPatience{20};
inline constexpr std::string_view kPath = "/api/admin/trace-smtp-client/v1";

struct Frame {
  std::string text;
  Opcode opcode = Opcode::Text;
  std::int64_t received = 0;
};
using Frames = std::vector<Frame>;

// Plays frames; `fails_at_end`: then it throws.
class FrameList : public EventSource {
 public:
  explicit FrameList(const Frames& frames, bool fails_at_end = false)
      : frames_(frames), fails_at_end_(fails_at_end) {}
  bool next(EventBatch& batch) override {
    batch.clear();
    if (at_ == frames_.size() && fails_at_end_) throw Error("reading x.tape: it is gone");
    if (at_ == frames_.size()) return false;
    for (int i = 0; i < 100 && at_ < frames_.size(); ++i, ++at_) {
      Event& event = decoder_.decode(frames_[at_].text, frames_[at_].opcode, batch);
      event.sequence = at_ + 1;
      event.received = frames_[at_].received;
    }
    return true;
  }

 private:
  const Frames& frames_;
  bool fails_at_end_;
  std::size_t at_ = 0;
  WireDecoder decoder_;
};

inline Frames frames_of(const std::vector<std::string>& texts) {
  Frames frames;
  for (const std::string& text : texts)
    frames.push_back({text});
  return frames;
}

inline std::vector<std::string> texts_of(const Frames& frames) {
  std::vector<std::string> texts;
  for (const Frame& frame : frames)
    texts.push_back(frame.text);
  return texts;
}

inline std::string write_event(std::string_view tenant, std::string_view json_text) {
  return R"({"conn_meta":{"id":"a","tenant":")" + std::string(tenant) +
         R"("},"payload":{"Write":)" + std::string(json_text) +
         R"(},"when":"2026-08-04T13:54:50Z"})";
}

// About `megabytes` of frames.
inline Frames many_frames(std::size_t megabytes) {
  Frames frames;
  const std::string filler(10'000, 'x');
  for (std::size_t i = 0; i < megabytes * 100; ++i)
    frames.push_back({write_event("acme", '"' + filler + std::to_string(i) + '"')});
  return frames;
}

// A server on a thread of its own; stops with the test.
class ServeTest : public ::testing::Test {
 protected:
  ~ServeTest() override {
    if (server_) server_->stop();
  }

  void start() {
    options_.listen = "127.0.0.1:0";
    if (!factory_) factory_ = [this] { return std::make_unique<FrameList>(frames_); };
    server_.emplace(options_, factory_, [this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(line);
    });
    running_ = std::async(std::launch::async, [this] { return server_->run(); });
  }

  // How it ended, by itself or after stop().
  ServeTotals finish() {
    if (running_.wait_for(kPatience) != std::future_status::ready) {
      ADD_FAILURE() << "the server does not end";
      server_->stop();
    }
    return running_.get();
  }
  ServeTotals stop() {
    server_->stop();
    return finish();
  }

  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  Frames frames_;
  ServeOptions options_;
  SourceFactory factory_;
  std::optional<Server> server_;

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::future<ServeTotals> running_;  // the last member: it waits for the thread
};

}  // namespace smtptape
