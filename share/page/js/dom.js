// Elements.  Text becomes text nodes and never markup; what is hidden in it is shown.
import {piecesOf, plainText} from "./text.js";

const SVG = new Set(["svg", "rect", "line", "path", "g"]);

function append(element, child) {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) {
    for (const each of child) append(element, each);
  } else if (child instanceof Node) {
    element.append(child);
  } else {
    for (const piece of piecesOf(String(child))) {
      element.append(piece.mark ? make("span", {class: "hidden-character"}, piece.text)
                                : document.createTextNode(piece.text));
    }
  }
}

// Of the properties, `on…` are listeners, `style` is an object, and all else attributes.
export function make(name, properties, ...children) {
  const element = SVG.has(name) ? document.createElementNS("http://www.w3.org/2000/svg", name)
                                : document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) {
      element.addEventListener(key.slice(2), value);
    } else if (key === "style") {
      for (const [property, to] of Object.entries(value)) element.style.setProperty(property, to);
    } else {
      element.setAttribute(key, value === true ? "" : plainText(String(value)));
    }
  }
  append(element, children);
  return element;
}

// Text of somebody else's: whatever direction it is written in, ours stays.
export function foreign(text, properties) {
  return make("bdi", properties, text);
}

export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

export function button(words, action, properties) {
  return make("button", {type: "button", onclick: action, ...properties}, words);
}
