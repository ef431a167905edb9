/// The registered OAuth client of the sandbox.
enum GoogleClient {
  static let id = "106700000000-sandbox.apps.googleusercontent.com"
  static let secret = "GOCSPX-sandbox-client-secret"
  static let callback = "https://soar.example/VSOC/Auth2Callback.aspx"
  /// The token of the user who consented before the sandbox started.
  static let refreshToken = "1//0sandbox-refresh-token-of-the-administrator"
  static let authorizationCode = "4/0Asandbox-code-that-was-used"

  /// Desktop clients redirect to loopback with any port and path.
  static func mayRedirect(to address: String) -> Bool {
    if address == callback { return true }
    guard address.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return false }
    let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
    guard let base = loopback.first(where: { address.hasPrefix($0) }) else { return false }
    let next = address.dropFirst(base.count).first
    return next == nil || next == ":" || next == "/"
  }
}
