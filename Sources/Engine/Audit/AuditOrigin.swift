import Basics
import Glibc
import JSON

/// The process and its user, in every line of an audit file.
struct AuditOrigin: Sendable {
  /// The members `host` and `user`, without braces.
  private let host: JSONFragment
  private let user: String

  init() {
    let start = WallClock.rfc3339(WallClock.nowMilliseconds)
    host = JSONFragment { writer in
      writer.object {
        $0.member("pid", Int(getpid()))
        $0.member("start", start)
      }
    }
    user = Self.userName
  }

  /// The name of the user that started the process, or the number if it has no name.
  private static var userName: String {
    let user = getuid()
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: bufferBytes)
    guard getpwuid_r(user, &entry, &buffer, buffer.count, &found) == 0, found != nil,
      let name = entry.pw_name
    else { return "\(user)" }
    return String(cString: name)
  }

  /// Of an entry in the database of users.
  private static let bufferBytes = 16 * 1_024

  func write(to writer: inout JSONWriter) {
    writer.member("host", host)
    writer.member("user", user)
  }
}
