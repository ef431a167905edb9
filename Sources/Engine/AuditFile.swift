import Basics
import Glibc
import JSON
import Redaction
import Synchronization

/// One line for each command that ran: who asked for what, on which connection, how it ended.
package final class AuditFile: Sendable {
  private let descriptor: Int32
  private let secrets: Redactor
  private let log: Log

  /// Appends to the file, which only its owner may read.
  package init(
    _ path: String, secrets: Redactor, log: Log
  ) throws(ConfigurationError) {
    descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw ConfigurationError("--audit: \(FileError(path: path, code: errno))")
    }
    self.secrets = secrets
    self.log = log
  }

  func write(_ record: JSONFragment) {
    var line = secrets.redact(json: record.bytes)
    line.append(0x0A)
    // One write of one line: with O_APPEND, lines of several processes do not mix.
    let error = FileDescriptor.writeAll(line, to: descriptor)
    if error != 0 {
      log.error("the audit file cannot be written: \(String(cString: strerror(error)))")
    }
  }
}
