import Basics
import Glibc

/// Values of options that are in files: `@FILE`, and `@-` for stdin.
struct ArgumentFiles {
  /// Bytes of one value.
  private static let maximumBytes = 64 * 1_024 * 1_024

  struct Content {
    let bytes: [UInt8]
    fileprivate let option: String

    var text: String {
      get throws(UsageError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
          throw UsageError("\(option): the file is not UTF-8 text")
        }
        return text
      }
    }
  }

  private var stdinOption: String?

  /// - Returns: nil if the value names no file.
  mutating func content(_ value: String, of option: String) throws(UsageError) -> Content? {
    guard value.hasPrefix("@"), !value.hasPrefix("@@") else { return nil }
    let path = String(value.dropFirst())
    guard !path.isEmpty else {
      throw UsageError(
        "\(option): missing file name after @",
        remedy: "Write @@ for a value that begins with @.")
    }
    guard path == "-" else {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw Self.error(option, FileError(path: path, code: errno)) }
      defer { close(descriptor) }
      return Content(bytes: try Self.read(descriptor, path, option), option: option)
    }
    if let stdinOption {
      throw UsageError("\(option): stdin is the value of \(stdinOption) already")
    }
    stdinOption = option
    return Content(bytes: try Self.read(STDIN_FILENO, "stdin", option), option: option)
  }

  private static func read(
    _ descriptor: Int32, _ path: String, _ option: String
  ) throws(UsageError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 262_144)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw error(option, FileError(path: path, code: errno)) }
      if count == 0 { return bytes }
      bytes += chunk.prefix(count)
      guard bytes.count <= maximumBytes else {
        throw UsageError("\(option): \(path) has more than \(maximumBytes) bytes")
      }
    }
  }

  private static func error(_ option: String, _ error: FileError) -> UsageError {
    UsageError(
      "\(option): \(error)", remedy: "Write @@ for a value that begins with @.")
  }
}
