#!/usr/bin/env python3
"""The shapes of co_await that g++ 12.2 translates rightly, and no others.

That compiler destroys temporaries twice in many harmless-looking forms.  Three shapes are safe:

    co_await E;        [type] name = co_await E;        co_return co_await E;

also as the condition of an `if` or `while`.  E holds no braces and no square brackets, and stands
alone.  `auto [a, b] = co_await E` is for completion tokens that return plain tuples (kNoThrow).

Outside of tests, where every task has an owner: nothing is detached, and a coroutine is a named
function, since the captures of a lambda die before it does.
"""
import re

import checkout

TOKEN = re.compile(r"""
    (?P<skip>    \s+ | //[^\n]* | /\*.*?\*/ | ^[ \t]*\#(?:[^\n\\]|\\.)* )
  | (?P<raw>     \b(?:u8|[uUL])?R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)" )
  | (?P<text>    "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
  | (?P<word>    [A-Za-z_]\w* | \d(?:'?[\w.])* )
  | (?P<sign>    ::|->|&&|\|\||<<=|[=!<>+\-*/%&|^]=|. )
""", re.X | re.S | re.M)
CLOSER = {"(": ")", "[": "]", "{": "}"}
CONTROL = re.compile(
    r"(?:else\b|do\b|case [\w: ]+? :(?= |$)|default :|(?:if|while|for)(?: constexpr)? \()")
NEVER_ALONE = {"?", ",", "&&", "||", "==", "!=", "+", "-"}


class Tokens:
    """The tokens of a file, their lines, and for each the bracket that it stands in."""

    def __init__(self, text):
        self.text, self.line, self.within, self.closed_by = [], [], [], {}
        open_brackets, line, seen = [], 1, 0
        for match in TOKEN.finditer(text):
            line, seen = line + text.count("\n", seen, match.start()), match.start()
            if match["skip"]:
                continue
            token = '""' if match["raw"] or match["text"] else match[0]
            if open_brackets and token == CLOSER[self.text[open_brackets[-1]]]:
                self.closed_by[open_brackets.pop()] = len(self.text)
            self.within.append(open_brackets[-1] if open_brackets else -1)
            if token in CLOSER:
                open_brackets.append(len(self.text))
            self.text.append(token)
            self.line.append(line)

    def all(self, *wanted):
        return [i for i, token in enumerate(self.text) if token in wanted]

    def at(self, i):
        return self.text[i] if 0 <= i < len(self.text) else ""

    def after_bracket(self, i):
        """The index behind the bracket that opens at i."""
        return self.closed_by.get(i, len(self.text)) + 1

    def is_block(self, bracket):
        return self.at(bracket) == "{" and any(
            self.text[i] == ";" and self.within[i] == bracket
            for i in range(bracket + 1, self.after_bracket(bracket)))


def statement_around(tokens, i):
    """(head, operand) of the co_await at i: index ranges up to the borders of its statement."""
    bracket = tokens.within[i]
    start = i
    while start - 1 > bracket and not (
            tokens.within[start - 1] == bracket and tokens.text[start - 1] in {";", "}"}):
        start -= 1
    end = i + 1
    border = tokens.after_bracket(bracket) - 1 if bracket >= 0 else len(tokens.text)
    while end < border and not (tokens.within[end] == bracket and tokens.text[end] == ";"):
        end += 1
    return range(start, i), range(i + 1, end)


def shape_of_head(tokens, head):
    """What stands before co_await, without the controls and labels that precede the statement."""
    words = [tokens.text[i] for i in head]
    flat = " ".join(words)
    flat = re.sub(r"\[ \[ .*? \] \] ?", "", flat)  # attributes
    while match := CONTROL.match(flat):
        cut = match.end()
        if match[0].endswith("("):
            depth = 1
            while depth and cut < len(flat):
                depth += {"(": 1, ")": -1}.get(flat[cut], 0)
                cut += 1
        flat = flat[cut:].strip()
    return flat


def why_not(tokens, i):
    """What is wrong with the co_await at i; None if nothing."""
    bracket = tokens.within[i]
    if tokens.at(bracket) == "(" and tokens.at(bracket - 1) not in {"if", "while", "constexpr"}:
        return f"co_await within `{tokens.at(bracket - 1)} (`: name its result first"
    if tokens.at(bracket) != "(" and not tokens.is_block(bracket):
        return "co_await within braces or an index: name its result first"
    head, operand = statement_around(tokens, i)
    around = [tokens.text[j] for j in (*head, *operand)]
    if "co_await" in around:
        return "two co_await in one statement"
    if {"{", "["} & {tokens.text[j] for j in operand}:
        return "braces, a lambda or an index in the operand of co_await: name it first"
    if NEVER_ALONE & {tokens.text[j] for j in operand if tokens.within[j] == bracket}:
        return "co_await does not stand alone: name its result first"
    shape = shape_of_head(tokens, head)
    binding = re.fullmatch(r"(?:const )?auto (?:&& |& )?\[ [\w ,]+ \] =", shape)
    if binding:
        plain = {"kNoThrow", "as_tuple"} & {tokens.text[j] for j in operand}
        return None if plain else "a structured binding of what co_await returns: name it first"
    if shape in {"", "co_return"} or re.fullmatch(r"[^\[\](){}?,]*[\w>&*] =", shape):
        return None
    return "co_await is neither a statement, nor an initializer, nor what co_return returns"


def lambda_bodies(tokens):
    """{index of the body's brace: does the lambda capture?}"""
    bodies = {}
    for i in tokens.all("["):
        before = tokens.at(i - 1)
        is_index = re.fullmatch(r"\w+|\)|\]", before) and before not in {"return", "co_return", "co_await"}
        if is_index or before == "[" or tokens.at(i + 1) == "[":
            continue
        end = tokens.after_bracket(i)
        if tokens.at(end) == "(":
            end = tokens.after_bracket(end)
            while end < len(tokens.text) and tokens.text[end] not in {"{", ";", ")", "}"}:
                end += 1
        if tokens.at(end) == "{":
            bodies[end] = tokens.at(i + 1) != "]"
    return bodies


def lambda_problems(tokens):
    bodies, told = lambda_bodies(tokens), set()
    for i in tokens.all("co_await", "co_return", "co_yield"):
        body = tokens.within[i]
        while body >= 0 and body not in bodies:
            body = tokens.within[body]
        if body >= 0 and bodies[body] and body not in told:
            told.add(body)
            yield tokens.line[body], "a coroutine that is a lambda with captures: make it a named function"


def problems(text, is_test=False):
    """(line, what is wrong) for one file."""
    tokens = Tokens(text)
    for i in tokens.all("co_await"):
        why = why_not(tokens, i)
        if why:
            yield tokens.line[i], why
    if not is_test:
        yield from lambda_problems(tokens)
        for i in tokens.all("detached"):
            if tokens.at(i - 1) == "::":
                yield tokens.line[i], "detached: every task ends in a handler of its owner"


def all_problems():
    for path in checkout.sources():
        text = checkout.read(path)
        if "co_" in text or "detached" in text:
            for line, why in sorted(problems(text, is_test=path.parts[0] == "tests")):
                yield f"{path}:{line}: {why}"


if __name__ == "__main__":
    checkout.finish(all_problems())
