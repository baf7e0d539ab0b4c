// The data in the page: deflated JSON lines in base64, unpacked when they are wanted.

export function bytesOf(base64) {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export async function unpacked(base64) {
  const packed = new Blob([bytesOf(base64)]).stream();
  return await new Response(packed.pipeThrough(new DecompressionStream("deflate"))).text();
}

export function linesOf(text) {
  return text.split("\n").filter((line) => line !== "");
}

// The details of sessions stand in blocks.  The last few that were looked at stay unpacked.
export class Details {
  constructor(blocks, unpack = unpacked) {
    this.blocks = blocks;
    this.unpack = unpack;
    this.recent = new Map();
  }

  async lines(block) {
    const known = this.recent.get(block);
    this.recent.delete(block);
    const lines = known ?? this.unpack(this.blocks[block]).then(linesOf);
    this.recent.set(block, lines);
    for (const oldest of this.recent.keys()) {
      if (this.recent.size <= Details.MOST) break;
      this.recent.delete(oldest);
    }
    return await lines;
  }

  async of(row) {
    const [block, line] = row.place;
    return JSON.parse((await this.lines(block))[line]);
  }
}
Details.MOST = 8;

// All that the page holds but for details.
export async function readData(root) {
  const blocks = {};
  for (const element of root.querySelectorAll("script[data-block]")) {
    (blocks[element.dataset.block] ??= []).push(element.textContent);
    element.remove();
  }
  const parsed = async (name) => linesOf(await unpacked(blocks[name][0])).map((line) => JSON.parse(line));
  const [rows, statistics, [about]] =
    await Promise.all([parsed("rows"), parsed("statistics"), parsed("about")]);
  return {rows, statistics, about, details: new Details(blocks.details ?? [])};
}
