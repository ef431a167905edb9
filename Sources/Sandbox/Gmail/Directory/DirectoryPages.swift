import Basics

/// Page tokens of the user list, valid for three days.
struct DirectoryPages {
  private static let lifeSeconds = 3 * 86_400
  private static let capacity = 1_000

  private var pages: [String: (last: String, expires: Int)] = [:]

  mutating func token(after last: String, now: Int) -> String {
    if pages.count >= Self.capacity { pages.removeAll() }
    let random = (0..<24).map { _ in UInt8.random(in: 0...255) }
    let token = "~!!~" + Base64.encode(random, alphabet: .urlSafe)
    pages[token] = (last, now + Self.lifeSeconds)
    return token
  }

  func last(of token: String, now: Int) -> String? {
    pages[token].flatMap { $0.expires > now ? $0.last : nil }
  }
}
