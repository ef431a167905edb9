import Basics
import Crypto
import Glibc
import JSON

/// The place of the next line in an audit file: its number, and the digest of the line before it.
struct AuditChain: Sendable {
  /// Bytes that are read at a time when a file is searched for its last line.
  private static let chunkBytes = 64 * 1_024
  /// Maximum length of a line in bytes.
  static let maximumLineBytes = 64 * 1_024 * 1_024
  /// Lines before the last one in which a number is looked for, because the last one is incomplete.
  private static let maximumSearchedLines = 16

  /// Of the last line.
  private var seq: Int64 = 0
  /// SHA-256 of the last line in hexadecimal digits. Nil if no line is known.
  private var previous: String?
  /// Whether the file ends within a line, which a crash or a full disk has left.
  private var isInLine = false

  /// Appends a line with the record to `output`.
  ///
  /// - Parameter record: an object with at least one member.
  mutating func append(
    _ record: [UInt8], atMilliseconds time: Int64, to output: inout [UInt8]
  ) throws(CryptoError) {
    if isInLine { output.append(0x0A) }
    let start = output.count
    let quoted = previous.map { "\"\($0)\"" } ?? "null"
    let head = #"{"time":"\#(WallClock.rfc3339(time))","seq":\#(seq + 1),"previous":\#(quoted),"#
    output.append(contentsOf: head.utf8)
    output.append(contentsOf: record.dropFirst())
    previous = try Self.digest(output[start...])
    output.append(0x0A)
    seq += 1
    isInLine = false
  }

  static func digest(_ line: ArraySlice<UInt8>) throws(CryptoError) -> String {
    var digest = try Digest(.sha256)
    let outcome = line.withUnsafeBytes { bytes in
      Result { () throws(CryptoError) in try digest.update(bytes) }
    }
    try outcome.get()
    return try digest.hex()
  }

  // MARK: Continuing a file

  /// Continues after the last line of a file. In an empty file the numbers start at 1, and the chain
  /// goes on: after a rotation, the first line has the digest of the last one of the old file.
  mutating func read(_ descriptor: Int32, bytes size: Int, of path: String) throws(Failure) {
    isInLine = false
    seq = 0
    guard size > 0 else { return }
    var last: UInt8 = 0
    try Self.read(descriptor, at: size - 1, count: 1, of: path) { last = $0[0] }
    isInLine = last != 0x0A
    var end = isInLine ? size : size - 1
    for position in 0..<Self.maximumSearchedLines {
      let start = try Self.startOfLine(endingAt: end, descriptor, path)
      let line = try Self.line(start..<end, descriptor, path)
      if position == 0 {
        do throws(CryptoError) {
          previous = try Self.digest(line[...])
        } catch {
          throw .crypto(error)
        }
      }
      if let number = AuditLine.number(in: line) {
        seq = number
        return
      }
      guard start > 0 else { return }
      end = start - 1
    }
  }

  enum Failure: Error {
    case file(FileError)
    case crypto(CryptoError)
    case tooLong
  }

  private static func startOfLine(
    endingAt end: Int, _ descriptor: Int32, _ path: String
  ) throws(Failure) -> Int {
    var chunkEnd = end
    while chunkEnd > 0 {
      guard end - chunkEnd <= maximumLineBytes else { throw .tooLong }
      let chunkStart = max(0, chunkEnd - chunkBytes)
      var found: Int?
      try read(descriptor, at: chunkStart, count: chunkEnd - chunkStart, of: path) { chunk in
        found = chunk.lastIndex(of: 0x0A)
      }
      if let found { return chunkStart + found + 1 }
      chunkEnd = chunkStart
    }
    return 0
  }

  private static func line(
    _ range: Range<Int>, _ descriptor: Int32, _ path: String
  ) throws(Failure) -> [UInt8] {
    guard range.count <= maximumLineBytes else { throw .tooLong }
    var line: [UInt8] = []
    try read(descriptor, at: range.lowerBound, count: range.count, of: path) { line = $0 }
    return line
  }

  private static func read(
    _ descriptor: Int32, at offset: Int, count: Int, of path: String, _ body: ([UInt8]) -> Void
  ) throws(Failure) {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let length = bytes.withUnsafeMutableBytes {
        pread(
          descriptor, $0.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
      }
      if length > 0 {
        filled += length
      } else if length == 0 || errno != EINTR {
        // The file was truncated meanwhile.
        throw .file(FileError(path: path, code: length == 0 ? EIO : errno))
      }
    }
    body(bytes)
  }
}

/// A line of an audit file, as another host or a reader finds it.
enum AuditLine {
  private static let numberName = Array(#""seq":"#.utf8)

  /// The number of a line; nil if it has none. An incomplete line may have one.
  static func number(in line: [UInt8]) -> Int64? {
    if let json = try? JSON.parse(line) { return json["seq"]?.integer }
    guard let start = line.firstRange(of: numberName)?.upperBound else { return nil }
    let digits = line[start...].prefix { (0x30...0x39).contains($0) }
    // Digits at the end may be a part of the number.
    guard digits.endIndex < line.endIndex else { return nil }
    return Int64(String(decoding: digits, as: UTF8.self))
  }
}

extension [UInt8] {
  fileprivate func firstRange(of part: [UInt8]) -> Range<Int>? {
    guard count >= part.count else { return nil }
    for start in 0...(count - part.count)
    where self[start..<(start + part.count)].elementsEqual(part) {
      return start..<(start + part.count)
    }
    return nil
  }
}
