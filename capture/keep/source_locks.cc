#include "capture/keep/source_locks.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace smtptape {

void SourceLocks::add(const std::string& source) {
  Lock& lock = locks_.emplace_back();
  lock.source = source;
  lock.fd = store_.lock_source(source);
}

bool SourceLocks::keep(std::size_t index) {
  Lock& lock = locks_[index];
  const std::lock_guard guard(lock.mutex);
  if (store_.has_lock(lock.fd, lock.source)) return false;
  lock.fd = store_.lock_again(lock.source);
  return true;
}

UniqueFd SourceLocks::copy_of(Lock& lock) {
  const std::lock_guard guard(lock.mutex);
  return UniqueFd(::fcntl(lock.fd.get(), F_DUPFD_CLOEXEC, 0));
}

void SourceLocks::touch() {
  for (Lock& lock : locks_) {
    if (!lock.watched) continue;
    const UniqueFd fd = copy_of(lock);  // a disk that stands still must not hold up keep()
    ::futimens(fd.get(), nullptr);
  }
}

}  // namespace smtptape
