#!/usr/bin/env python3
"""Runs a command as on Linux 4.14, the oldest that smtptape is for: calls that came later fail with ENOSYS.

  old_kernel.py COMMAND...

What an old kernel lacks of the calls that it has, as a new flag, is not tried.  77: not tried, says the trial.
"""
import ctypes
import errno
import os
import platform
import struct
import sys

SKIPPED = 77
LAST = {"x86_64": 332, "aarch64": 291}  # statx; the kernel numbers its calls as they come
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_GREATER, RETURN = 0x20, 0x25, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JGT|BPF_K, BPF_RET|BPF_K
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def statement(code, value, if_true=0, if_false=0):
    return struct.pack("=HBBI", code, if_true, if_false, value)


def forget_calls_after(last):
    filter_program = b"".join([statement(LOAD, 0), statement(JUMP_IF_GREATER, last, 0, 1),
                               statement(RETURN, ERRNO | errno.ENOSYS), statement(RETURN, ALLOW)])
    kept = ctypes.create_string_buffer(filter_program, len(filter_program))
    description = struct.pack("@HP", len(filter_program) // 8, ctypes.addressof(kept))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for words in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, description, 0, 0)):
        if prctl(*(word if isinstance(word, bytes) else ctypes.c_ulong(word) for word in words)) != 0:
            print(f"NOT TRIED: no filter of system calls: {os.strerror(ctypes.get_errno())}")
            sys.exit(SKIPPED)


def main():
    last = LAST.get(platform.machine())
    if last is None:
        print(f"NOT TRIED: the system calls of {platform.machine()} are not known here")
        sys.exit(SKIPPED)
    forget_calls_after(last)
    # A filter that holds nothing back would make any trial a good one.
    try:
        os.pidfd_open(os.getpid())
        sys.exit("FAILED: a call of Linux 5.3 went through")
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
