import Basics
import Glibc

/// The addresses of a host (getaddrinfo(3)).
enum NameLookup {
  /// Maximum number of addresses in a message.
  private static let maximumShown = 3

  /// Blocks.
  ///
  /// - Returns: the first addresses, or the reason of the failure.
  static func addresses(of host: String) -> Result<[String], Failure> {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, nil, &hints, &list)
    guard code == 0 else { return .failure(Failure(reason: String(cString: gai_strerror(code)))) }
    defer { freeaddrinfo(list) }
    var addresses: [String] = []
    var next = list
    while let entry = next, addresses.count < maximumShown {
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      if getnameinfo(
        entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
        NI_NUMERICHOST) == 0
      {
        let end = text.firstIndex(of: 0) ?? text.endIndex
        addresses.append(
          String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self))
      }
      next = entry.pointee.ai_next
    }
    return .success(addresses)
  }

  struct Failure: Error {
    let reason: String
  }
}
