"""Man pages of --help: one of the program, and one of each command."""
import re
import sys

SERVICE_FILES = [
    ("/etc/smtptape/smtptape.toml", "The configuration of the service."),
    ("/var/lib/smtptape", "Where the service keeps its tapes."),
    ("/usr/share/doc/smtptape/docs", "The user guide, the service, the format of tapes.")]


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return "\\&" + text if text[:1] in {".", "'"} else text


def bold(text):
    return rf"\fB{roff(text)}\fR"


def examples(lines):
    return [".SH EXAMPLES", ".nf", ".RS 4", *map(roff, lines), ".RE", ".fi"] if lines else []


def entries_of(entries):
    for names, text in entries:
        spellings, _, value = names.partition(" ")
        named = ", ".join(bold(name) for name in spellings.split(","))
        yield from (".TP", named + (rf" \fI{roff(value)}\fR" if value else ""), roff(text))


def heading(title, name, summary, version, date):
    return [f'.TH {title.upper().replace("-", chr(92) + "-")} 1 "{date}" "smtptape {version}" "User Commands"',
            ".SH NAME", f"{roff(name)} \\- {roff(summary)}"]


def exit_codes(guide):
    """The rows of the table below `## Exit codes`."""
    section = re.search(r"^## Exit codes\n(.*?)^## ", guide, re.M | re.S)
    rows = re.findall(r"^\| ([0-9+n]+) \| (.*) \|$", section[1], re.M) if section else []
    if not rows:
        sys.exit("the user guide has no table of exit codes")
    yield ".SH EXIT STATUS"
    for code, meaning in rows:
        yield from (".TP", bold(code), roff(meaning))


def references(names):
    return [".SH SEE ALSO", ",\n".join(bold(name) + "(1)" for name in names)]


def main_page(version, date, main, commands, guide):
    lines = [
        *heading("smtptape", "smtptape", "record and replay the SMTP sessions of KumoMTA", version, date),
        ".SH SYNOPSIS", bold(main.usage),
        ".SH DESCRIPTION", roff(main.about),
        *examples(main.examples),
        ".SH OPTIONS"]
    for _, entries in main.sections():
        lines += entries_of(entries)
    lines.append(".SH COMMANDS")
    for (name, summary), _ in commands:
        lines += [".TP", bold(f"smtptape-{name}") + "(1)", roff(summary) + "."]
    lines += [*exit_codes(guide), ".SH FILES"]
    for path, text in SERVICE_FILES:
        lines += [".TP", rf"\fI{roff(path)}\fR", text]
    lines += references(["systemctl", "journalctl", "zstd", "capnp"])
    return "\n".join(lines) + "\n"


def command_page(version, date, command, names, guide):
    """`command`: ((name, summary), Help); `names`: of all commands."""
    (name, summary), told = command
    lines = [*heading(f"smtptape-{name}", f"smtptape-{name}", summary, version, date),
             ".SH SYNOPSIS", bold(told.usage), *examples(told.examples), ".SH OPTIONS"]
    for title, entries in told.sections():
        shown = [entry for entry in entries if not entry[0].startswith("-h,")]
        if shown:
            lines += [".SS " + roff(title), *entries_of(shown)]
    lines += exit_codes(guide)
    lines += references(["smtptape", *(f"smtptape-{other}" for other in names if other != name)])
    return "\n".join(lines) + "\n"
