import Basics
import Glibc

/// The fuzz targets. Each gets one input, and stops the process if a property does not hold.
enum FuzzTarget {
  typealias Body = @Sendable (UnsafeBufferPointer<UInt8>) -> Void

  static let all: [String: Body] = [
    "framing": Framing.run,
    "jsonpath": Paths.query,
    "iregexp": Paths.expression,
    "schema": Schemas.schema,
    "schema_pattern": Schemas.pattern,
    "mail": Mails.message,
    "headers": Mails.header,
    "gmail_payload": Mails.payload,
    "html": Mails.html,
    "filters": Parameters.filter,
    "times": Parameters.time,
    "time_formats": Parameters.timeFormat,
    "cursors": Vendors.cursor,
    "batch": Vendors.batch,
    "connections": StateFiles.connections,
    "ledger": StateFiles.ledger,
    "rates": StateFiles.rates,
    "keys": Keys.run,
    "content_disposition": Headers.contentDisposition,
    "retry_after": Headers.retryAfter,
    "urls": Headers.urls,
    "requests": Headers.request,
  ]

  /// An empty directory of this process, in the directory FUZZ_FILES or in /dev/shm.
  static let directory: String = {
    let parent = getenv("FUZZ_FILES").map { String(cString: $0) } ?? "/dev/shm"
    let path = "\(parent)/sallyport-fuzz-\(getpid())"
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { fatalError("cannot create \(path)") }
    return path
  }()
}

/// Stops the process with a message that libFuzzer reports, unless the condition holds.
func check(_ condition: @autoclosure () -> Bool, _ property: @autoclosure () -> String) {
  if !condition() { fatalError(property()) }
}

extension UnsafeBufferPointer<UInt8> {
  var text: String { String(decoding: self, as: UTF8.self) }

  /// The part before the first line feed and the part after it.
  var headAndRest: (head: UnsafeBufferPointer<UInt8>, rest: UnsafeBufferPointer<UInt8>) {
    guard let end = firstIndex(of: 0x0A) else {
      return (self, UnsafeBufferPointer(rebasing: self[count...]))
    }
    return (
      UnsafeBufferPointer(rebasing: self[..<end]), UnsafeBufferPointer(rebasing: self[(end + 1)...])
    )
  }

  /// Numbers for decisions that depend on the input but are not part of it.
  var seed: UInt64 {
    reduce(0xCBF2_9CE4_8422_2325) { hash, byte in (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }
}
