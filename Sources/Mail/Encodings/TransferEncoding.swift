/// The transfer encoding of a body (RFC 2045 section 6).
package enum TransferEncoding: Sendable, Equatable {
  /// 7bit, 8bit, binary and unknown encodings: the bytes are unchanged.
  case identity
  case quotedPrintable
  case base64

  /// The encoding with that name; `identity` if it is unknown.
  init(named name: String) {
    switch name.lowercased() {
    case "quoted-printable": self = .quotedPrintable
    case "base64": self = .base64
    default: self = .identity
    }
  }

  /// Decodes bytes. Malformed input is decoded as far as possible.
  func decode(_ encoded: ArraySlice<UInt8>) -> [UInt8] {
    switch self {
    case .identity: Array(encoded)
    case .quotedPrintable: encoded.withUnsafeBufferPointer(QuotedPrintable.decode)
    case .base64: encoded.withUnsafeBufferPointer(LenientBase64.decode)
    }
  }
}
