/// A page token: the id of the last message on the page, encoded as an opaque number.
enum GmailPageToken {
  private static let mask: UInt64 = 0x5A11_E904_7C0F_FEE0

  static func text(_ id: String) -> String { String((UInt64(id, radix: 16) ?? 0) ^ mask) }

  static func id(_ token: String) -> String? {
    guard let number = UInt64(token) else { return nil }
    let digits = String(number ^ mask, radix: 16)
    return String(repeating: "0", count: max(16 - digits.count, 0)) + digits
  }
}
