// What a service tells the program that started it: that it is ready, what it does, that it lives.
// This is systemd's notification protocol (sd_notify(3)): one datagram of lines KEY=VALUE to the
// socket that NOTIFY_SOCKET names.  Why not libsystemd: docs/decisions/0012-service.md.
//
// Without NOTIFY_SOCKET nothing is told, and that is no error.  Nothing here throws: a recorder
// that can't tell still records.  No call waits longer than kMostWait; status() and alive() never
// wait. Without state of its own after construction: any thread may call.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/io.h"

namespace smtptape {

class ServiceManager {
 public:
  // What the process was started with; empty is not set.
  struct Environment {
    std::string notify_socket;
    std::string watchdog_usec;
    std::string watchdog_pid;
  };
  [[nodiscard]] static Environment environment_of_process();

  static constexpr std::chrono::seconds kMostWait{1};
  static constexpr std::size_t kMostStatus = 1024;  // bytes; systemd reads 4096 of a datagram

  ServiceManager() : ServiceManager(environment_of_process()) {}
  explicit ServiceManager(const Environment& environment);

  [[nodiscard]] bool is_there() const { return is_there_; }

  // The error says why somebody who wants to know could not be told.
  std::error_code ready(std::string_view status) const;
  std::error_code reloading() const;  // and ready() when it is done
  std::error_code stopping() const;
  // One line for people: control characters are escaped (visible()), what is too long is cut.
  std::error_code status(std::string_view line) const;
  std::error_code alive() const;

  // So often alive() must be called, or the service is killed: half of the time that is allowed.
  [[nodiscard]] std::optional<std::chrono::microseconds> alive_interval() const {
    return alive_interval_;
  }

 private:
  enum class Wait : int { No, ALittle };
  [[nodiscard]] std::error_code tell(const std::string& lines, Wait wait) const;
  [[nodiscard]] std::error_code find(std::string_view notify_socket);

  bool is_there_ = false;
  std::error_code unusable_;  // why nothing can be told to the one who is there
  UniqueFd socket_;
  ::sockaddr_un address_{};
  ::socklen_t address_size_ = 0;
  std::optional<std::chrono::microseconds> alive_interval_;
};

}  // namespace smtptape
