import HTTPServer

/// Why a sandbox cannot be had as asked for. Safe to log.
package struct SandboxError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Code: Sendable {
    /// The port is taken, or the process is out of descriptors or threads.
    case cannotListen
    /// A fault text that does not follow the grammar.
    case badFault
  }

  package let code: Code
  /// What is wrong and what is allowed, without a full stop.
  package let reason: String
  /// Of a bad fault text: where, in characters from 1.
  package let column: Int?
  /// A word that was perhaps meant.
  package let suggestion: String?

  package var description: String {
    switch code {
    case .cannotListen: return reason
    case .badFault:
      let place = column.map { "column \($0): " } ?? ""
      let hint = suggestion.map { "; did you mean '\($0)'?" } ?? "."
      return "\(place)\(reason)\(hint) Example: \(SandboxFault.example)"
    }
  }

  static func cannotListen(port: UInt16, _ failure: HTTPServer.Failure) -> SandboxError {
    let remedy = failure.isPortTaken ? " (choose another port, or 0 for any free one)" : ""
    return SandboxError(
      code: .cannotListen, reason: failure.description + remedy, column: nil, suggestion: nil)
  }

  static func badFault(
    _ reason: String, column: Int, suggestion: String? = nil
  ) -> SandboxError {
    SandboxError(code: .badFault, reason: reason, column: column, suggestion: suggestion)
  }
}
