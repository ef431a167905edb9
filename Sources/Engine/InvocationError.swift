import IntegrationKit
import JSON
import RPC

/// Why an invocation has no result: it was invalid and did not run, or it failed.
package struct InvocationError: Error, Sendable {
  package enum Reason: Sendable {
    case invalid(ParameterFaults)
    case failed(CommandError)
  }

  package var reason: Reason
  /// The failure indicator of the command, or a general one where no command is known.
  package let indicator: String

  package init(_ faults: ParameterFaults, indicator: String = "Invalid params.") {
    reason = .invalid(faults)
    self.indicator = indicator
  }

  package init(_ error: CommandError, indicator: String) {
    reason = .failed(error)
    self.indicator = indicator
  }

  /// Writes the object that fronts send as the data of the error: the documents' triple, and what a
  /// program decides by.
  package func write(to writer: inout JSONWriter) {
    switch reason {
    case .invalid(let faults): faults.write(to: &writer, indicator: indicator)
    case .failed(let error):
      writer.object {
        $0.member("return_data", "Failed")
        error.writeMembers(to: &$0, indicator: indicator)
      }
    }
  }
}

extension InvocationError {
  /// The error of a JSON-RPC response, which both fronts send.
  package var rpcError: RPCError {
    let code: RPCError.Code =
      switch reason {
      case .invalid: .invalidParams
      case .failed(let error): error.kind == .cancelled ? .requestCancelled : .commandFailed
      }
    return RPCError(code, indicator, data: JSONFragment { write(to: &$0) })
  }
}

extension RPCError {
  /// For a request that the host does not accept any more.
  package static func stopping(indicator: String) -> RPCError {
    InvocationError(
      CommandError(
        .cancelled, "The host is stopping and takes no more requests.",
        remedy: "Send it again to a new host."),
      indicator: indicator
    ).rpcError
  }
}
