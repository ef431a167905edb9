import HTTPServer

/// Why a sandbox cannot start or cannot apply a fault. Safe to log.
package struct SandboxError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Code: Sendable {
    /// The port is in use, or the process is out of descriptors or threads.
    case cannotListen
    /// The fault text does not follow the grammar.
    case invalidFault
  }

  package let code: Code
  /// The problem and the allowed values, without a full stop.
  package let reason: String
  /// The position in an invalid fault text, in characters from 1.
  package let column: Int?
  /// The word that was probably meant.
  package let suggestion: String?

  package var description: String {
    switch code {
    case .cannotListen: return reason
    case .invalidFault:
      let position = column.map { "column \($0): " } ?? ""
      let hint = suggestion.map { "; did you mean '\($0)'?" } ?? "."
      return "\(position)\(reason)\(hint) Example: \(SandboxFault.example)"
    }
  }

  static func cannotListen(port: UInt16, _ failure: HTTPServer.Failure) -> SandboxError {
    let remedy = failure.isPortTaken ? " (choose another port, or 0 for any free port)" : ""
    return SandboxError(
      code: .cannotListen, reason: failure.description + remedy, column: nil, suggestion: nil)
  }

  static func invalidFault(
    _ reason: String, column: Int, suggestion: String? = nil
  ) -> SandboxError {
    SandboxError(code: .invalidFault, reason: reason, column: column, suggestion: suggestion)
  }
}
