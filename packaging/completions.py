"""Completion for bash, zsh and fish, made of --help."""
import re

# --- bash ---

BASH = r"""# Completion of smtptape for bash; made from the program's --help.
_smtptape() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= options= at
  for ((at = 1; at < COMP_CWORD; ++at)); do
    case ${COMP_WORDS[at]} in
      @COMMANDS_BAR@) command=${COMP_WORDS[at]}; break ;;
    esac
  done
  case $command in
@OPTIONS_OF@
    *) options="@MAIN@" ;;
  esac
  COMPREPLY=()
  # bash takes --color=yes for three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $command$before in
@VALUES@
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  elif [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W "@COMMANDS@" -- "$word")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _smtptape smtptape
"""
OF_FILES = re.compile(r"\b(?:FILE|DIR|PATH|TAPE)\b|\.tape$")  # the word of a value that is a file


def words_of(value):
    """The words of "tty|yes|no"; those in capitals stand for something else."""
    return [word for word in value.split("|") if word.islower()]


def bash(main, commands):
    names = [name for (name, _), _ in commands]
    options_of, values = [], []
    for name, told in [("", main), *((name, told) for (name, _), told in commands)]:
        options = list(told.options())
        if name:
            options_of.append(f'    {name}) options="{" ".join(option for option, _ in options)}" ;;')
        for option, value in options:
            if words := words_of(value):
                values.append(f'    {name}{option}) mapfile -t COMPREPLY < <(compgen -W "{" ".join(words)}"'
                              ' -- "$word"); return ;;')
        # Nothing is offered for a value that is neither a word nor a file.
        free = [f"{name}{option}" for option, value in options
                if value and not OF_FILES.search(value) and not words_of(value)]
        if free:
            values.append(f'    {" | ".join(free)}) return ;;')
    text = BASH
    for key, value in {"COMMANDS_BAR": " | ".join(names), "COMMANDS": " ".join(names),
                       "OPTIONS_OF": "\n".join(options_of), "VALUES": "\n".join(values),
                       "MAIN": " ".join(option for option, _ in main.options())}.items():
        text = text.replace(f"@{key}@", value)
    return text


# --- zsh ---

ZSH = r"""#compdef smtptape
# Completion of smtptape for zsh; made from the program's --help.
_smtptape() {
  local context state line
  typeset -A opt_args
  local -a commands=(
@COMMANDS@
  )
  _arguments -C @MAIN@ '1:command:->command' '*::argument:->argument' && return
  case $state in
    command) _describe -t commands 'smtptape command' commands ;;
    argument)
      case $words[1] in
@OPTIONS_OF@
      esac ;;
  esac
}
_smtptape "$@"
"""


def single_quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_action(value):
    """What completes a value: its words, files, or nothing."""
    if words := words_of(value):
        return f"({' '.join(words)})"
    return "_files" if OF_FILES.search(value) else " "


def zsh_options(told):
    """The arguments of _arguments for all options of a command."""
    for names, value, text in told.described_options():
        text = re.sub(r"([\\\[\]:])", r"\\\1", text)
        for name in names:
            others = "*" if value else f"({' '.join(names)})"  # an option with a value may come again
            if not value:
                yield single_quoted(f"{others}{name}[{text}]")
                continue
            joined = "=" if name.startswith("--") else "+"  # --scope=strict, --scope strict, -ofile
            yield single_quoted(f"{others}{name}{joined}[{text}]:{value.replace(':', ' ')}:{zsh_action(value)}")


def zsh(main, commands):
    listed = [f"    {single_quoted(name + ':' + summary.replace(':', chr(92) + ':'))}" for (name, summary), _ in commands]
    options_of = []
    for (name, _), told in commands:
        words = " \\\n          ".join([*zsh_options(told), "'*:file:_files'"])
        options_of.append(f"        {name})\n          _arguments -s \\\n          {words} ;;")
    text = ZSH
    for key, value in {"COMMANDS": "\n".join(listed), "MAIN": " ".join(zsh_options(main)),
                       "OPTIONS_OF": "\n".join(options_of)}.items():
        text = text.replace(f"@{key}@", value)
    return text


# --- fish ---

def fish_options(condition, told):
    for names, value, text in told.described_options():
        parts = ["complete -c smtptape", f"-n {single_quoted(condition)}"]
        parts += [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in names]
        if words := words_of(value):
            parts.append(f"-x -a {single_quoted(' '.join(words))}")
        elif value:
            parts.append("-r -F" if OF_FILES.search(value) else "-x")
        yield " ".join([*parts, "-d", single_quoted(text.replace("\\", "\\\\"))])


def fish(main, commands):
    lines = ["# Completion of smtptape for fish; made from the program's --help.",
             *fish_options("__fish_use_subcommand", main)]
    for (name, summary), told in commands:
        lines.append(f"complete -c smtptape -f -n '__fish_use_subcommand' -a {name} -d {single_quoted(summary)}")
        lines += fish_options(f"__fish_seen_subcommand_from {name}", told)
    return "\n".join(lines) + "\n"
