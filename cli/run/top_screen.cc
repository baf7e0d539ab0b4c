// ncurses has macros for everything (timeout, erase, move …): its header stays in this file.
#include "cli/run/top_screen.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <iterator>
#include <string>

#include "base/error.h"
#include "cli/text/terminal.h"

#include <langinfo.h>
#include <stdlib.h>  // setenv: not in <cstdlib>
#include <termios.h>

#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <ncurses.h>

namespace smtptape {

namespace {

// What ncurses doesn't undo: it knows SIGTSTP, and SIGINT and SIGTERM are a wish to end.
constexpr std::array kEnding{SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
termios as_it_was{};

extern "C" void smtptape_leave_screen(int number) {
  // The usual screen, the cursor, no attributes.
  constexpr std::string_view kLeave = "\x1b[?1049l\x1b[?25h\x1b[0m\r\n";
  [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, kLeave.data(), kLeave.size());
  ::tcsetattr(STDIN_FILENO, TCSANOW, &as_it_was);
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(number, &by_default, nullptr);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, number);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(number);
}

void handle_endings() {
  for (const int number : kEnding) {
    struct sigaction found {};
    ::sigaction(number, nullptr, &found);
    if ((found.sa_flags & SA_SIGINFO) != 0 || found.sa_handler != SIG_DFL) continue;
    struct sigaction ours {};
    ours.sa_handler = smtptape_leave_screen;
    ::sigaction(number, &ours, nullptr);
  }
}

// True: characters are UTF-8.  Of the locale that was asked for, which need not be installed, no
// more counts.  Others are not set: their tables of characters would be libraries of the machine.
bool set_locale() {
  if (!terminal_takes_utf8()) return false;
  for (const char* const name : {"C.UTF-8", ""}) {
    std::setlocale(LC_CTYPE, name);
    if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0) return true;
  }
  return false;
}

// What this program brings of terminals, for machines that have no descriptions of them.
struct TerminalKind {
  std::string_view name;
  const char* description;  // as ncurses takes it from $TERMINFO
};
constexpr TerminalKind kBrought[] = {
#include "terminal_kinds.inc"
};

bool open_screen(const std::string& kind) {
  if (::newterm(kind.c_str(), stdout, stdin) != nullptr) return true;
  const auto* const near =
      std::find_if(std::begin(kBrought), std::end(kBrought), [&](const auto& brought) {
        return kind.starts_with(brought.name);  // xterm-kitty is an xterm
      });
  if (near == std::end(kBrought)) return false;
  ::setenv("TERMINFO", near->description, 1);
  const bool opened = ::newterm(near->name.data(), stdout, stdin) != nullptr;
  ::unsetenv("TERMINFO");
  return opened;
}

enum Pair : short { kNone, kGreen, kYellow, kRed, kBlue };

attr_t attributes_of(TopStyle style, bool color) {
  const auto pair = [color](short number) {
    return color ? static_cast<attr_t>(COLOR_PAIR(number)) : attr_t{0};
  };
  switch (style) {
    case TopStyle::Plain: return A_NORMAL;
    case TopStyle::Dim: return A_DIM;
    case TopStyle::Bold: return A_BOLD;
    case TopStyle::Good: return pair(kGreen);
    case TopStyle::Doubtful: return pair(kYellow);
    case TopStyle::Bad: return pair(kRed) | A_BOLD;
    case TopStyle::Selected:
    case TopStyle::Title: return A_REVERSE;
  }
  return A_NORMAL;
}

std::optional<TopKey::Kind> special(wint_t code) {
  using Kind = TopKey::Kind;
  switch (code) {
    case KEY_UP: return Kind::Up;
    case KEY_DOWN: return Kind::Down;
    case KEY_PPAGE: return Kind::PageUp;
    case KEY_NPAGE: return Kind::PageDown;
    case KEY_HOME: return Kind::Home;
    case KEY_END: return Kind::End;
    case KEY_ENTER: return Kind::Enter;
    case KEY_BACKSPACE: return Kind::Backspace;
    default: return std::nullopt;
  }
}

std::string utf8_of(wint_t character) {
  std::array<char, 16> bytes{};
  std::mbstate_t state{};
  const std::size_t size = std::wcrtomb(bytes.data(), static_cast<wchar_t>(character), &state);
  return size == static_cast<std::size_t>(-1) ? std::string() : std::string(bytes.data(), size);
}

std::optional<TopKey> key_of(wint_t character) {
  using Kind = TopKey::Kind;
  switch (character) {
    case '\r':
    case '\n': return TopKey{Kind::Enter};
    case 0x1b: return TopKey{Kind::Escape};
    case 0x7f:
    case 0x08: return TopKey{Kind::Backspace};
    case '\t': return TopKey{Kind::Tab};
    default: break;
  }
  const std::string text = utf8_of(character);
  if (character < ' ' || text.empty()) return std::nullopt;
  return TopKey{Kind::Text, text};
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t three = 0;
    for (std::size_t i = 0; i < 3; ++i)
      three = (three << 8U) | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      out += i <= count ? kDigits[(three >> (18 - 6 * i)) & 63U] : '=';
  }
  return out;
}

}  // namespace

TopScreen::TopScreen(bool color) : color_(color), utf8_(false) {
  if (::isatty(STDOUT_FILENO) == 0 || ::isatty(STDIN_FILENO) == 0) {
    throw UsageError(
        "top draws on a terminal, and this is none; smtptape replay --follow prints "
        "what comes");
  }
  utf8_ = set_locale();
  ::tcgetattr(STDIN_FILENO, &as_it_was);
  const char* const terminal = std::getenv("TERM");
  const bool can_move = terminal != nullptr && std::strcmp(terminal, "dumb") != 0;
  if (!can_move || !open_screen(terminal)) {
    throw UsageError("top can't draw on a terminal of the kind TERM=" +
                     std::string(terminal == nullptr ? "" : terminal) +
                     "; smtptape replay --follow prints what comes");
  }
  handle_endings();
  color_ = color_ && ::has_colors();
  if (color_) {
    ::start_color();
    ::use_default_colors();
    ::init_pair(kGreen, COLOR_GREEN, -1);
    ::init_pair(kYellow, COLOR_YELLOW, -1);
    ::init_pair(kRed, COLOR_RED, -1);
  }
  ::cbreak();
  ::noecho();
  ::keypad(stdscr, true);
  ::set_escdelay(50);
  ::curs_set(0);
}

TopScreen::~TopScreen() {
  ::endwin();
}

TopLook TopScreen::look() const {
  TopLook look;
  look.rows = static_cast<std::size_t>(std::max(1, ::getmaxy(stdscr)));
  look.columns = static_cast<std::size_t>(std::max(1, ::getmaxx(stdscr)));
  look.utf8 = utf8_;
  return look;
}

void TopScreen::draw(const std::vector<TopLine>& lines) {
  ::erase();
  for (std::size_t row = 0; row < lines.size(); ++row) {
    ::wmove(stdscr, static_cast<int>(row), 0);
    for (const TopSpan& span : lines[row]) {
      ::wattrset(stdscr, static_cast<int>(attributes_of(span.style, color_)));
      ::waddnstr(stdscr, span.text.data(), static_cast<int>(span.text.size()));
    }
  }
  ::wattrset(stdscr, A_NORMAL);
  ::wrefresh(stdscr);
}

void TopScreen::copy(std::string_view text) {
  const std::string sequence = "\x1b]52;c;" + base64(text) + "\x07";
  std::fwrite(sequence.data(), 1, sequence.size(), stdout);
  std::fflush(stdout);
}

TopScreen::Input TopScreen::wait(std::chrono::milliseconds at_most) {
  Input input;
  ::wtimeout(stdscr, static_cast<int>(at_most.count()));
  wint_t character = 0;
  const int kind = ::wget_wch(stdscr, &character);
  if (kind == ERR) {
    pollfd terminal{STDIN_FILENO, 0, 0};
    input.gone = ::poll(&terminal, 1, 0) > 0 && (terminal.revents & (POLLHUP | POLLERR)) != 0;
  } else if (kind == KEY_CODE_YES && character == KEY_RESIZE) {
    input.redraw = true;
  } else if (kind == KEY_CODE_YES) {
    if (const auto known = special(character)) input.key = TopKey{*known};
  } else {
    input.key = key_of(character);
  }
  return input;
}

}  // namespace smtptape
