// A zip of text files, stored as they are (APPNOTE.TXT of PKWARE, 4.3), and files to save without a server.

const TABLE = Array.from({ length: 256 }, (_, n) => {
  let sum = n
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1
  return sum
})

export function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 0xff]! ^ (sum >>> 8)
  return (sum ^ 0xffffffff) >>> 0
}

/** 1 January 1980, the first day that a zip can name; names are in UTF-8. */
const DAY = 0x21
const UTF8 = 0x800

export function zip(files: { name: string; text: string }[]): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = []
  const directory: Uint8Array<ArrayBuffer>[] = []
  let at = 0
  for (const { name, text } of files) {
    const [title, data] = [name, text].map((one) => new TextEncoder().encode(one)) as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>]
    const about = [20, UTF8, 0, 0, DAY] // version, flags, method, time, date
    const sizes = [crc32(data), data.length, data.length]
    const head = record([0x04034b50], about, sizes, [title.length, 0])
    directory.push(record([0x02014b50], [20, ...about], sizes, [title.length, 0, 0, 0, 0], [0, at]), title)
    parts.push(head, title, data)
    at += head.length + title.length + data.length
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0)
  return new Blob([...parts, ...directory, record([0x06054b50], [0, 0, files.length, files.length], [length, at], [0])], { type: 'application/zip' })
}

/** Little-endian numbers: four bytes each in the first, third and fifth list, two in the others. */
function record(...lists: number[][]): Uint8Array<ArrayBuffer> {
  const bytes = lists.flatMap((list, n) => list.flatMap((value) => Array.from({ length: n % 2 ? 2 : 4 }, (_, k) => (value >>> (8 * k)) & 0xff)))
  return new Uint8Array(bytes)
}

/** Let the browser save something under a name. */
export function save(content: Blob | string, name: string): void {
  const address = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type: 'text/plain' }) : content)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
