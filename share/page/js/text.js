// Text that is not ours: nothing in it turns the writing direction, hides, or looks like our words.

// Controls, marks of direction, what has no width, separators of lines, halves of characters.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const SHORT = new Map([["\n", "\\n"], ["\r", "\\r"], ["\t", "\\t"], ["\0", "\\0"]]);

function escapeOf(character) {
  return SHORT.get(character) ?? `\\u{${character.codePointAt(0).toString(16)}}`;
}

// [{text, mark}]: pieces of the text; where `mark` is true, `text` is the escape of a character.
export function piecesOf(text) {
  const pieces = [];
  let from = 0;
  for (const found of text.matchAll(HIDDEN)) {
    if (found.index > from) pieces.push({text: text.slice(from, found.index), mark: false});
    pieces.push({text: escapeOf(found[0]), mark: true});
    from = found.index + found[0].length;
  }
  if (from < text.length) pieces.push({text: text.slice(from), mark: false});
  return pieces;
}

// In one string: where there is no room for marks, as in a title.
export function plainText(text) {
  return piecesOf(text).map((piece) => piece.text).join("");
}

// The beginning of a text, whole characters.
export function headOf(text, most) {
  if (text.length <= most) return text;
  const code = text.charCodeAt(most - 1);
  return text.slice(0, code >= 0xd800 && code < 0xdc00 ? most - 1 : most);
}
