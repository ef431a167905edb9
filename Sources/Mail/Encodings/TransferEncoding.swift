/// How the bytes of a body were made fit for transport (RFC 2045 section 6).
package enum TransferEncoding: Sendable, Equatable {
  /// 7bit, 8bit, binary, and what is unknown: the bytes as they are.
  case identity
  case quotedPrintable
  case base64

  /// The mechanism of that name; one that nobody knows changes nothing.
  init(named name: String) {
    switch name.lowercased() {
    case "quoted-printable": self = .quotedPrintable
    case "base64": self = .base64
    default: self = .identity
    }
  }

  /// The bytes that `encoded` stands for. What is malformed is read as well as can be.
  func decode(_ encoded: ArraySlice<UInt8>) -> [UInt8] {
    switch self {
    case .identity: Array(encoded)
    case .quotedPrintable: encoded.withUnsafeBufferPointer(QuotedPrintable.decode)
    case .base64: encoded.withUnsafeBufferPointer(LenientBase64.decode)
    }
  }
}
